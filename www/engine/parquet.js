/**
 * Parquet files at addresses: the end of a file tells where its rows are, which are fetched one group at a time.
 *
 * @typedef {object} Column
 * @property {string} name
 * @property {"image" | "bytes" | "text" | "number" | "other"} kind `image`: a struct with the field `bytes`; `number`:
 *   an integer
 *
 * @typedef {object} Group rows that are stored together
 * @property {number} first row
 * @property {number} rows
 * @property {(columns: string[]) => number} size bytes to fetch for these columns
 *
 * @typedef {object} ParquetFile
 * @property {number} rows
 * @property {Column[]} columns
 * @property {Record<string, any> | null} features the Hub library's description of the columns
 * @property {Group[]} groups
 * @property {(group: Group, columns: string[], signal?: AbortSignal) => Promise<Record<string, any>[]>} read
 */
import { fetchRange, importFile } from "./download.js";
import { EngineError } from "./errors.js";

/** Bytes fetched first from a file's end: they usually describe all groups. */
const END = 1 << 16;
/** Number of retries after a broken connection, and milliseconds before each. */
const RETRIES = 2;
const PAUSE = 1000;
const READABLE = ["UNCOMPRESSED", "SNAPPY"];

/** @type {Promise<any> | undefined} */
let library;
function hyparquet() {
  // the address is written out, since bundlers find the file that way
  library ??= importFile(new URL("./vendor/hyparquet/index.js", import.meta.url));
  library.catch(() => (library = undefined)); // so that the next attempt fetches it again
  return library;
}

/**
 * @param {string} url
 * @param {number} size of the file, in bytes
 * @param {AbortSignal} [signal]
 * @returns {Promise<ParquetFile>}
 * @throws {EngineError} as `fetchRange`, or `parquet-damaged`; `read` also `parquet-codec` if the columns have an
 *   unsupported compression
 */
export async function openParquet(url, size, signal) {
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema } = await hyparquet();
  const name = url.slice(url.lastIndexOf("/") + 1);
  const fileFor = (/** @type {AbortSignal | undefined} */ signal) => ({
    byteLength: size,
    slice: async (/** @type {number} */ from, to = size) => (await fetchPatiently(url, from, to, signal)).buffer,
  });
  /** @param {any} error @param {AbortSignal} [signal] */
  const damaged = (error, signal) => {
    if (error instanceof EngineError || signal?.aborted) return error;
    return new EngineError("parquet-damaged", `${url}: ${error.message}`, { file: name });
  };
  /** @type {any} */
  let metadata;
  try {
    metadata = await parquetMetadataAsync(fileFor(signal), { initialFetchSize: END });
  } catch (error) {
    throw damaged(error, signal);
  }

  let first = 0;
  /** @type {(Group & {chunks: any[]})[]} */
  const groups = metadata.row_groups.map((/** @type {any} */ { num_rows, columns }) => {
    const chunks = columns.map((/** @type {any} */ { meta_data }) => meta_data);
    const rows = Number(num_rows);
    const size = (/** @type {string[]} */ wanted) =>
      sum(of(chunks, wanted).map(({ total_compressed_size }) => Number(total_compressed_size)));
    first += rows;
    return { first: first - rows, rows, size, chunks };
  });
  return {
    rows: Number(metadata.num_rows),
    columns: parquetSchema(metadata).children.map(columnOf),
    features: featuresOf(metadata.key_value_metadata),
    groups,
    async read(group, columns, signal) {
      const { chunks } = /** @type {(typeof groups)[number]} */ (group);
      const strange = of(chunks, columns).find(({ codec }) => !READABLE.includes(codec));
      if (strange) {
        const values = { file: name, codec: strange.codec };
        throw new EngineError("parquet-codec", `${url} has the unsupported compression ${strange.codec}`, values);
      }
      const range = { rowStart: group.first, rowEnd: group.first + group.rows };
      try {
        return await parquetReadObjects({ file: fileFor(signal), metadata, columns, ...range, utf8: false });
      } catch (error) {
        throw damaged(error, signal);
      }
    },
  };
}

/** The stored chunks of these columns. @param {any[]} chunks @param {string[]} columns */
const of = (chunks, columns) => chunks.filter(({ path_in_schema: [column] }) => columns.includes(column));

/** @param {number[]} values */
const sum = (values) => values.reduce((a, b) => a + b, 0);

/** @param {any} node of the schema's tree @returns {Column} */
function columnOf({ element, children }) {
  const { name, type, converted_type, logical_type } = element;
  const inner = children.find((/** @type {any} */ child) => child.element.name === "bytes");
  const kind = logical_type?.type ?? converted_type;
  if (inner?.element.type === "BYTE_ARRAY") return { name, kind: "image" };
  if (children.length) return { name, kind: "other" };
  if (type === "BYTE_ARRAY")
    return { name, kind: kind ? (/^(STRING|UTF8|ENUM)$/.test(kind) ? "text" : "other") : "bytes" };
  const isWhole = ["INT32", "INT64", "BOOLEAN"].includes(type) && (!kind || /^U?INT/.test(kind));
  return { name, kind: isWhole ? "number" : "other" };
}

/** @param {{key: string, value?: string}[] | undefined} entries */
function featuresOf(entries) {
  try {
    return JSON.parse(entries?.find(({ key }) => key === "huggingface")?.value ?? "null")?.info?.features ?? null;
  } catch {
    return null; // another program's entry
  }
}

/** @param {string} url @param {number} from @param {number} to @param {AbortSignal} [signal] */
async function fetchPatiently(url, from, to, signal) {
  for (let tried = 0; ; tried++) {
    try {
      return await fetchRange(url, from, to, { signal });
    } catch (error) {
      const { code, values } = /** @type {EngineError} */ (error);
      const refused = /^4\d\d$/.test(String(values?.status));
      if (tried === RETRIES || refused || (code !== "cut" && code !== "network")) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      signal?.throwIfAborted();
    }
  }
}
