/** A set of the Hub as training data: as many pictures as requested, each fetched and decoded once. */
import { EngineError } from "./errors.js";
import { holdPicture } from "./heldpicture.js";
import { findSet } from "./hub.js";
import { planSet, readPictures } from "./hubpictures.js";
import { fixedSet } from "./owndata.js";

/** Maximum bytes of all pictures together. */
const MOST_BYTES = 1.5e9;
/** Milliseconds of waiting for the Hub after which the page shows it. */
const SOON = 300;

/**
 * @param {import("./core.js").Core} core
 * @param {Extract<import("./protocol.js").Data, {kind: "hub"}>} data
 * @param {{resolution: number, seed: number, onLoading: (what: string | null) => void, signal: AbortSignal}} how
 * @returns {Promise<import("./datasets.js").Dataset>}
 * @throws {EngineError} as `findSet` and `planSet`, or `hub-memory`; `load` as `readPictures`, `hub-no-bytes` if the
 *   set refers to its pictures without containing them, or `hub-unreadable`
 */
export async function hubData(core, { images, ...wanted }, { resolution, seed, onLoading, signal }) {
  const set = await findSet(wanted, signal);
  const plan = await planSet(set, images, signal);
  const [training, held_out] = [plan.train, plan.held_out].map(countRows);
  const count = training + held_out;
  const size = resolution * resolution * 3;
  if (count * size > MOST_BYTES) {
    const most = Math.floor(MOST_BYTES / size);
    throw new EngineError("hub-memory", `${count} pictures of ${resolution} × ${resolution}`, {
      count,
      most,
      resolution,
    });
  }

  const all = { images: new Uint8Array(count * size), resolution };
  const labels = new Uint32Array(count);
  // shuffled, since an evaluation may only use the first and sets are often ordered by class
  const order = held_out ? new core.Order(0, held_out, false).take(0, held_out) : [];
  const sources = [plan.train, plan.held_out].map((picks) => readPictures(set, picks, signal));
  const last = [-1, -1];

  /**
   * The next readable picture. At the end, the last one fills in for those that were not readable.
   *
   * @param {0 | 1} which source
   * @param {number} index where it goes
   * @param {import("./datasets.js").See} see
   */
  async function take(which, index, see) {
    for (;;) {
      const { done, value } = await told(
        sources[which].next(),
        () => onLoading(set.id),
        () => onLoading(null),
      );
      if (done && last[which] < 0)
        throw new EngineError("hub-unreadable", `no picture of ${set.id} can be read`, { id: set.id });
      if (done) {
        all.images.copyWithin(index * size, last[which] * size, (last[which] + 1) * size);
        labels[index] = labels[last[which]];
        return;
      }
      const { bytes, label } = value;
      if (!bytes)
        throw new EngineError("hub-no-bytes", `${set.id} refers to its pictures without containing them`, {
          id: set.id,
        });
      const seen = await look(bytes, see);
      if (!seen) continue;
      all.images.set(seen, index * size);
      labels[index] = label;
      last[which] = index;
      return;
    }
  }

  const data = { labels, names: plan.names, held_out };
  return fixedSet(
    core,
    data,
    seed,
    () => all,
    async (n, see) => {
      const index = n < training ? n : training + order[n - training];
      await take(n < training ? 0 : 1, index, see);
      return index;
    },
  );
}

/** @param {import("./hubpictures.js").Pick[]} picks */
const countRows = (picks) => picks.reduce((count, { rows }) => count + rows.length, 0);

/**
 * The network's crop of a picture, or null if the browser cannot read it.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes @param {import("./datasets.js").See} see
 */
async function look(bytes, see) {
  try {
    const { picture } = await holdPicture(new Blob([bytes]));
    try {
      return await see(picture);
    } finally {
      picture.close();
    }
  } catch (error) {
    if (UNREADABLE.includes(/** @type {EngineError} */ (error).code)) return null;
    throw error;
  }
}
const UNREADABLE = ["empty-file", "too-large", "damaged", "unsupported", "not-an-image"];

/**
 * Reports the wait for a promise if it takes a while.
 *
 * @template T
 * @param {Promise<T>} promise @param {() => void} tell @param {() => void} over
 */
async function told(promise, tell, over) {
  let told = false;
  const timer = setTimeout(() => {
    told = true;
    tell();
  }, SOON);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    if (told) over();
  }
}
