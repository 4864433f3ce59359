/**
 * CIFAR-10 from its authors' archive, `cifar-10-binary.tar.gz`: unpacked while it is read, and kept in the browser's
 * own file storage (OPFS), if there is one. A training may begin meanwhile: it waits for the parts that it needs.
 *
 * What is kept has been checked: gzip's checksum, six batches of 10,000 records, and 5,000 training and 1,000 test
 * pictures of each class.
 */
import { CIFAR_NAMES } from "./constants.js";
import { cifarOf, PER_MOSAIC, part } from "./datasets.js";
import { importFile } from "./download.js";
import { EngineError } from "./errors.js";

/** A record is a label and the planes of red, green and blue. */
const PIXELS = 32 * 32;
const RECORD = 1 + 3 * PIXELS;
const PER_BATCH = 10_000;
const TRAIN = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`);
const TEST = ["test_batch.bin"];
const ALL = [...TRAIN, ...TEST];
const BYTES = ALL.length * PER_BATCH * RECORD;
const FOLDER = "cifar-10";
/** A marker beside the batches once they are complete. */
const WHOLE = "whole";

/** @typedef {{share: number, error: Error | null, leave: AbortController, next: Promise<void>, tell: () => void}} Unpacking */

export class CifarArchive {
  /** The batches unpacked since the page was opened, by name. @type {Map<string, Blob>} */
  #batches = new Map();
  /** @type {Unpacking | null} */
  #unpacking = null;

  /**
   * Starts to unpack an archive, replacing what was there.
   *
   * @param {Blob} archive may also be a tar: Safari unpacks what it downloads
   */
  async begin(archive) {
    await this.forget();
    /** @type {Unpacking} */
    const unpacking = { share: 0, error: null, leave: new AbortController(), ...newTurn() };
    this.#unpacking = unpacking;
    this.#unpack(archive, unpacking).catch((error) => {
      const { aborted } = unpacking.leave.signal;
      unpacking.error = aborted || error instanceof EngineError ? error : notTheArchive(error);
      unpacking.tell();
    });
  }

  /**
   * Returns how much of it has been unpacked.
   *
   * @returns {Promise<{share: number, bytes: number, stored: boolean}>} `share`: 1 once it is complete; `bytes`: its
   *   size then; `stored`: whether it will be there when the page is opened again
   * @throws {EngineError} `cifar-archive` if the opened file is not the archive, or not complete
   */
  async state() {
    if (this.#unpacking?.error) throw this.#unpacking.error;
    const stored = await isStored();
    const share = stored ? 1 : (this.#unpacking?.share ?? 0);
    return { share, bytes: share === 1 ? BYTES : 0, stored };
  }

  /** Stops unpacking and removes everything. */
  async forget() {
    this.#unpacking?.leave.abort();
    this.#unpacking?.tell();
    this.#unpacking = null;
    this.#batches.clear();
    await removeFolder();
  }

  /**
   * @param {import("./core.js").Core} core
   * @param {{seed: number, onLoading: (file: string | null) => void}} options
   * @returns {import("./datasets.js").Dataset}
   */
  dataset(core, { seed, onLoading }) {
    const half = (/** @type {string[]} */ names) => {
      const each = PER_BATCH / PER_MOSAIC;
      return part({
        mosaics: names.length * each,
        nameOf: (index) => names[Math.floor(index / each)],
        load: async (index) => mosaicOf(await this.#batch(names[Math.floor(index / each)]), index % each),
        onLoading,
      });
    };
    return cifarOf(core, half(TRAIN), half(TEST), seed);
  }

  /** A batch, once it is unpacked. @param {string} name @throws {EngineError} `no-cifar`, `cifar-archive` */
  async #batch(name) {
    for (;;) {
      const blob = this.#batches.get(name) ?? ((await isStored()) ? await readFile(name) : null);
      if (blob) return blob;
      if (!this.#unpacking) throw new EngineError("no-cifar", "the CIFAR-10 archive has not been opened");
      await this.#unpacking.next;
      if (this.#unpacking?.error) throw this.#unpacking.error;
    }
  }

  /** @param {Blob} archive @param {Unpacking} unpacking */
  async #unpack(archive, unpacking) {
    const { signal } = unpacking.leave;
    const { createTarDecoder } = await importFile(new URL("./vendor/modern-tar/index.js", import.meta.url));
    let read = 0;
    const counted = new TransformStream({
      transform(/** @type {Uint8Array} */ chunk, controller) {
        read += chunk.length;
        unpacking.share = Math.min(0.99, read / archive.size);
        controller.enqueue(chunk);
      },
    });
    const [first, second] = new Uint8Array(await archive.slice(0, 2).arrayBuffer());
    const isGzip = first === 0x1f && second === 0x8b;
    const bytes = archive.stream().pipeThrough(counted, { signal });
    const tar = isGzip ? bytes.pipeThrough(new DecompressionStream("gzip")) : bytes;
    const entries = tar.pipeThrough(createTarDecoder()).getReader();
    const counts = { train: new Array(CIFAR_NAMES.length).fill(0), test: new Array(CIFAR_NAMES.length).fill(0) };
    for (;;) {
      const { done, value } = await entries.read(); // to the end, where the checksum is
      signal.throwIfAborted();
      if (done) break;
      const name = value.header.name.replace(/^.*\//, "");
      if (!ALL.includes(name) || value.header.size !== PER_BATCH * RECORD) {
        await value.body.pipeTo(new WritableStream()); // after a cancel(), modern-tar 0.8 yields nothing more
        continue;
      }
      const batch = new Uint8Array(await new Response(value.body).arrayBuffer());
      for (let at = 0; at < batch.length; at += RECORD) counts[TRAIN.includes(name) ? "train" : "test"][batch[at]]++;
      const kept = (await writeFile(name, batch)) ?? new Blob([batch]);
      signal.throwIfAborted();
      this.#batches.set(name, kept);
      unpacking.tell();
      Object.assign(unpacking, newTurn());
    }
    const isRight = counts.train.every((count) => count === 5000) && counts.test.every((count) => count === 1000);
    if (!isRight) throw notTheArchive(`labels ${counts.train} and ${counts.test}`);
    const files = await Promise.all(ALL.map(readFile));
    if (files.every(Boolean)) await writeFile(WHOLE, new Uint8Array(1));
    unpacking.share = 1;
    unpacking.tell();
  }
}

/** @param {unknown} reason */
const notTheArchive = (reason) =>
  new EngineError("cifar-archive", `this is not a complete cifar-10-binary.tar.gz: ${reason}`);

/** A promise that others wait for, and `tell`, which resolves it. */
function newTurn() {
  let tell = () => {};
  /** @type {Promise<void>} */
  const next = new Promise((resolve) => (tell = resolve));
  return { next, tell };
}

/** A thousand records as pixels. @param {Blob} batch @param {number} index */
async function mosaicOf(batch, index) {
  const size = PER_MOSAIC * RECORD;
  const records = new Uint8Array(await batch.slice(index * size, (index + 1) * size).arrayBuffer());
  const pixels = new Uint8Array(PER_MOSAIC * 3 * PIXELS);
  const labels = new Uint8Array(PER_MOSAIC);
  for (let i = 0, to = 0; i < PER_MOSAIC; i++) {
    labels[i] = records[i * RECORD];
    for (let from = i * RECORD + 1; from <= i * RECORD + PIXELS; from++) {
      pixels[to++] = records[from];
      pixels[to++] = records[from + PIXELS];
      pixels[to++] = records[from + 2 * PIXELS];
    }
  }
  return { pixels, labels };
}

/** The folder that keeps it, or null if the browser keeps nothing, as in private windows. @param {boolean} create */
async function openFolder(create) {
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create });
  } catch {
    return null;
  }
}

async function removeFolder() {
  try {
    await (await navigator.storage.getDirectory()).removeEntry(FOLDER, { recursive: true });
  } catch {} // there is none
}

/** @param {string} name @returns {Promise<File | null>} */
async function readFile(name) {
  try {
    return (await (await (await openFolder(false))?.getFileHandle(name))?.getFile()) ?? null;
  } catch {
    return null;
  }
}

const isStored = async () => (await readFile(WHOLE)) !== null;

/** The file, or null without space or storage. @param {string} name @param {Uint8Array<ArrayBuffer>} bytes */
async function writeFile(name, bytes) {
  try {
    const handle = await /** @type {FileSystemDirectoryHandle} */ (await openFolder(true)).getFileHandle(name, {
      create: true,
    });
    const access = await /** @type {any} */ (handle).createSyncAccessHandle(); // available to workers in every browser
    try {
      access.truncate(0);
      if (access.write(bytes, { at: 0 }) !== bytes.length) throw new Error("no room");
      access.flush();
    } finally {
      access.close();
    }
    return await handle.getFile();
  } catch {
    await (await openFolder(false))?.removeEntry(name).catch(() => {});
    return null;
  }
}
