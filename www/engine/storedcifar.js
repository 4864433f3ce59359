/**
 * CIFAR-10 from its authors' archive, `cifar-10-binary.tar.gz`, unpacked while it is read, or from the Hugging Face Hub, decoded
 * while it is fetched; kept in the browser's own file storage (OPFS), if there is one. A training may begin meanwhile: it waits
 * for the parts that it needs.
 *
 * What is kept has been checked: six batches of 10,000 records, 5,000 training and 1,000 test pictures of each class, and an
 * archive's checksum.
 */
import { mosaicOf, PER_BATCH, RECORD, TEST, TRAIN } from "./cifarrecords.js";
import { CIFAR_NAMES } from "./constants.js";
import { cifarOf, PER_MOSAIC, part } from "./datasets.js";
import { importFile } from "./download.js";
import { EngineError } from "./errors.js";

const ALL = [...TRAIN, ...TEST];
const BYTES = ALL.length * PER_BATCH * RECORD;
const FOLDER = "cifar-10";
/** A marker beside the batches once they are complete. */
const WHOLE = "whole";

/**
 * @typedef {{share: number, checked: boolean, error: Error | null, leave: AbortController, next: Promise<void>,
 *   tell: () => void}} Filling
 */
/** @typedef {AsyncIterable<[name: string, records: Uint8Array<ArrayBuffer>]>} Batches */

export class StoredCifar {
  /** The batches received since the page was opened, by name. @type {Map<string, Blob>} */
  #batches = new Map();
  /** @type {Filling | null} */
  #filling = null;

  /**
   * Starts to store it, replacing what was there.
   *
   * @param {Blob | {api?: string}} source an archive, which may also be a tar: Safari unpacks what it downloads; or the Hub,
   *   with another address of its API
   */
  async begin(source) {
    await this.forget();
    /** @type {Filling} */
    const filling = { share: 0, checked: false, error: null, leave: new AbortController(), ...newTurn() };
    this.#filling = filling;
    const { signal } = filling.leave;
    const onShare = (/** @type {number} */ share) => (filling.share = Math.min(0.99, share));
    const isArchive = source instanceof Blob;
    const batches = isArchive
      ? unpack(source, { signal, onShare, onChecked: () => (filling.checked = true) })
      : (await import("./hubcifar.js")).fetchBatches({ ...source, signal, onShare });
    this.#fill(batches, filling).catch((error) => {
      const isKnown = signal.aborted || error instanceof EngineError;
      filling.error = isKnown ? error : isArchive ? notTheArchive(error) : notTheSet(error);
      filling.tell();
    });
  }

  /**
   * Returns how much of it is stored.
   *
   * @returns {Promise<{share: number, bytes: number, stored: boolean, checked: boolean}>} `share`: 1 once it is
   *   complete; `bytes`: its size then; `stored`: whether it will be there when the page is opened again; `checked`: whether an
   *   archive's checksum was compared
   * @throws {EngineError} `cifar-archive` if the opened file is not the archive, or not complete; `cifar-hub` if the Hub has
   *   another set, or as `fetchBatches`
   */
  async state() {
    if (this.#filling?.error) throw this.#filling.error;
    const stored = await isStored();
    const share = stored ? 1 : (this.#filling?.share ?? 0);
    return { share, bytes: share === 1 ? BYTES : 0, stored, checked: this.#filling?.checked ?? false };
  }

  /** Stops storing and removes everything. */
  async forget() {
    this.#filling?.leave.abort();
    this.#filling?.tell();
    this.#filling = null;
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

  /** A batch, once it is stored. @param {string} name @throws {EngineError} `no-cifar`, `cifar-archive` */
  async #batch(name) {
    for (;;) {
      const blob = this.#batches.get(name) ?? ((await isStored()) ? await readFile(name) : null);
      if (blob) return blob;
      if (!this.#filling) throw new EngineError("no-cifar", "CIFAR-10 has not been opened or fetched");
      await this.#filling.next;
      if (this.#filling?.error) throw this.#filling.error;
    }
  }

  /** @param {Batches} batches @param {Filling} filling */
  async #fill(batches, filling) {
    const { signal } = filling.leave;
    const counts = { train: new Array(CIFAR_NAMES.length).fill(0), test: new Array(CIFAR_NAMES.length).fill(0) };
    for await (const [name, batch] of batches) {
      for (let at = 0; at < batch.length; at += RECORD) counts[TRAIN.includes(name) ? "train" : "test"][batch[at]]++;
      const kept = (await writeFile(name, batch)) ?? new Blob([batch]);
      signal.throwIfAborted();
      this.#batches.set(name, kept);
      filling.tell();
      Object.assign(filling, newTurn());
    }
    const isRight = counts.train.every((count) => count === 5000) && counts.test.every((count) => count === 1000);
    if (!isRight) throw new Error(`labels ${counts.train} and ${counts.test}`);
    const files = await Promise.all(ALL.map(readFile));
    if (files.every(Boolean)) await writeFile(WHOLE, new Uint8Array(1));
    filling.share = 1;
    filling.tell();
  }
}

/**
 * The batches of an archive, which is read to its end, where gzip's checksum is.
 *
 * @param {Blob} archive
 * @param {{signal: AbortSignal, onShare: (share: number) => void, onChecked: () => void}} how
 * @returns {Batches}
 */
async function* unpack(archive, { signal, onShare, onChecked }) {
  const { createTarDecoder } = await importFile(new URL("./vendor/modern-tar/index.js", import.meta.url));
  let read = 0;
  const counted = new TransformStream({
    transform(/** @type {Uint8Array} */ chunk, controller) {
      read += chunk.length;
      onShare(read / archive.size);
      controller.enqueue(chunk);
    },
  });
  const [first, second] = new Uint8Array(await archive.slice(0, 2).arrayBuffer());
  const isGzip = first === 0x1f && second === 0x8b;
  const bytes = archive.stream().pipeThrough(counted, { signal });
  const tar = isGzip ? bytes.pipeThrough(new DecompressionStream("gzip")) : bytes;
  const entries = tar.pipeThrough(createTarDecoder()).getReader();
  for (;;) {
    const { done, value } = await entries.read();
    signal.throwIfAborted();
    if (done) break;
    const name = value.header.name.replace(/^.*\//, "");
    if (ALL.includes(name) && value.header.size === PER_BATCH * RECORD) {
      yield [name, new Uint8Array(await new Response(value.body).arrayBuffer())];
    } else await value.body.pipeTo(new WritableStream()); // after a cancel(), modern-tar 0.8 yields nothing more
  }
  if (isGzip) onChecked();
}

/** @param {unknown} reason */
const notTheArchive = (reason) =>
  new EngineError("cifar-archive", `this is not a complete cifar-10-binary.tar.gz: ${reason}`);

/** @param {unknown} reason */
const notTheSet = (reason) => new EngineError("cifar-hub", `the Hub has another CIFAR-10 than expected: ${reason}`);

/** A promise that others wait for, and `tell`, which resolves it. */
function newTurn() {
  let tell = () => {};
  /** @type {Promise<void>} */
  const next = new Promise((resolve) => (tell = resolve));
  return { next, tell };
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
