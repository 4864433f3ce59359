/** CIFAR-10's batches from the Hugging Face Hub, which stores the pictures as PNG files in Parquet files. */
import { PER_BATCH, putRecord, RECORD, TEST, TRAIN } from "./cifarrecords.js";
import { CIFAR_NAMES } from "./constants.js";
import { decodeTiles, PER_MOSAIC } from "./datasets.js";
import { findSet } from "./hub.js";
import { planSet, readPictures } from "./hubpictures.js";

const ID = "uoft-cs/cifar10";
const TRAINING = TRAIN.length * PER_BATCH;
const ALL = TRAINING + TEST.length * PER_BATCH;
/** Bytes of a picture's pixels. */
const SIZE = RECORD - 1;

/**
 * Yields the batches one by one, each once all of its pictures are there.
 *
 * @param {{api?: string, signal: AbortSignal, onShare: (share: number) => void}} how `api`: as of `findSet`
 * @returns {AsyncGenerator<[name: string, records: Uint8Array<ArrayBuffer>]>}
 * @throws {import("./errors.js").EngineError} as `findSet`, `planSet` and `readPictures`
 * @throws {Error} if the Hub has another set by this name
 */
export async function* fetchBatches({ api, signal, onShare }) {
  const set = await findSet({ id: ID, api }, signal);
  const plan = await planSet(set, ALL, signal);
  const [training, test] = [plan.train, plan.held_out].map((picks) =>
    picks.reduce((count, { rows }) => count + rows.length, 0),
  );
  const isRight = String(plan.names) === String(CIFAR_NAMES) && training === TRAINING && test === ALL - TRAINING;
  if (!isRight) throw new Error(`${training} and ${test} pictures of ${plan.names}`);
  let done = 0;
  for (const { picks, names } of [
    { picks: plan.train, names: TRAIN },
    { picks: plan.held_out, names: TEST },
  ]) {
    const pictures = readPictures(set, picks, signal);
    for (const name of names) {
      const batch = new Uint8Array(PER_BATCH * RECORD);
      for (let first = 0; first < PER_BATCH; first += PER_MOSAIC) {
        const some = await take(pictures, PER_MOSAIC);
        const pixels = await decodeTiles(some.map(({ bytes }) => new Blob(bytes ? [bytes] : [])));
        signal.throwIfAborted();
        some.forEach(({ label }, i) => putRecord(batch, first + i, label, pixels.subarray(i * SIZE, (i + 1) * SIZE)));
        onShare((done += PER_MOSAIC) / ALL);
      }
      yield [name, batch];
    }
  }
}

/** The next values. @template T @param {AsyncGenerator<T>} from @param {number} count */
async function take(from, count) {
  /** @type {T[]} */
  const values = [];
  while (values.length < count) values.push((await from.next()).value);
  return values;
}
