/**
 * Selects pictures of a Hub set, and reads them.
 *
 * @typedef {import("./hub.js").HubSet} HubSet
 * @typedef {import("./hub.js").Split} Split
 * @typedef {import("./parquet.js").ParquetFile} ParquetFile
 * @typedef {import("./parquet.js").Group} Group
 *
 * Pictures of one group of rows.
 * @typedef {{file: ParquetFile, group: Group, rows: number[], labels: number[]}} Pick
 *
 * @typedef {object} Plan
 * @property {string[]} names class names
 * @property {Pick[]} train
 * @property {Pick[]} held_out
 * @property {number} bytes to be fetched
 */
import { EngineError } from "./errors.js";
import { natural } from "./filenames.js";
import { openFile } from "./hub.js";

/** Maximum number of files that pictures are taken from. */
const MOST_FILES = 16;
/** Maximum bytes of a group of rows, which is in memory at once. */
const MOST_BYTES = 256e6;
const MOST_CLASSES = 1000;
/** Without a split of its own, a set holds out one picture in this many. */
const HELD_OUT = 10;
/** One picture in this many of all comes from the held-out split. */
const SHARE = 6;
/** Concurrent requests. */
const AT_ONCE = 6;

/**
 * Selects pictures at even distances, since many sets are ordered by class. Reads their labels.
 *
 * @param {HubSet} set
 * @param {number} images total number of pictures, if there are as many
 * @param {AbortSignal} [signal]
 * @returns {Promise<Plan>}
 * @throws {EngineError} `hub-huge`, `hub-few`, `hub-many-classes`, or as `openParquet`
 */
export async function planSet(set, images, signal) {
  const share = set.held_out ? Math.ceil(images / SHARE) : 0;
  const held = set.held_out ? await read(set, set.held_out, share, signal) : [];
  // a split without known labels is useless
  const some = held.flatMap(({ labels }) => labels).filter((label) => isKnown(set, label)).length;
  const train = await read(set, set.train, images - some, signal);
  const names = set.names ?? namesOf(train);
  const numbered = (/** @type {Labelled[]} */ picks) => picks.map((pick) => number(pick, set.names ? null : names));
  const all = numbered(train);
  const plan = some ? { train: all, held_out: numbered(held) } : divide(all);
  const count = plan.train.reduce((count, { rows }) => count + rows.length, 0);
  if (!count || names.length < 2) {
    throw new EngineError("hub-few", `${set.id} has ${count} pictures of ${names.length} classes`, {
      id: set.id,
      count,
      classes: names.length,
    });
  }
  const groups = new Set([...plan.train, ...plan.held_out].map(({ group }) => group));
  const bytes = [...groups].reduce((bytes, group) => bytes + group.size([set.image]), 0);
  return { names, ...plan, bytes };
}

/**
 * The pictures of a plan, in order; the next group of rows is fetched meanwhile.
 *
 * @param {HubSet} set
 * @param {Pick[]} picks
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<{bytes: Uint8Array<ArrayBuffer> | null, label: number}>} `bytes` are null if the set has
 *   none
 */
export async function* readPictures(set, picks, signal) {
  const fetchRows = (/** @type {Pick | undefined} */ pick) => {
    const rows = pick?.file.read(pick.group, [set.image], signal);
    rows?.catch(() => {}); // a failure surfaces when they are needed
    return rows;
  };
  let coming = fetchRows(picks[0]);
  for (const [i, { rows, labels }] of picks.entries()) {
    const group = (await coming) ?? [];
    coming = fetchRows(picks[i + 1]);
    for (const [j, row] of rows.entries()) {
      const image = group[row][set.image];
      yield { bytes: image?.bytes ?? (image instanceof Uint8Array ? image : null), label: labels[j] };
    }
  }
}

/** Number of pictures per class. @param {Pick[]} picks @param {number} classes */
export function countLabels(picks, classes) {
  const counts = new Array(classes).fill(0);
  for (const { labels } of picks) for (const label of labels) counts[label]++;
  return counts;
}

/** @typedef {{file: ParquetFile, group: Group, rows: number[], labels: (string | number | null)[]}} Labelled */

/**
 * Evenly spaced rows of a split, with their labels as stored.
 *
 * @param {HubSet} set @param {Split} split @param {number} images @param {AbortSignal} [signal]
 * @returns {Promise<Labelled[]>}
 */
async function read(set, { files }, images, signal) {
  const opened = await inTurns(spread(files.length, MOST_FILES), (i) => openFile(files[i], signal));
  const groups = opened.flatMap((file) => file.groups.filter(({ rows }) => rows).map((group) => ({ file, group })));
  const total = groups.reduce((total, { group }) => total + group.rows, 0);
  // as few groups as contain that many pictures, but at least one per class
  const least = Math.max((images / Math.max(total, 1)) * groups.length, set.names?.length ?? 1);
  const taken = spread(groups.length, Math.ceil(least)).map((i) => groups[i]);
  const huge = taken.find(({ group }) => group.size([set.image]) > MOST_BYTES);
  if (huge) {
    const megabytes = Math.round(huge.group.size([set.image]) / 1e6);
    throw new EngineError("hub-huge", `${set.id} has groups of rows of ${megabytes} MB`, { id: set.id, megabytes });
  }
  const there = taken.reduce((there, { group }) => there + group.rows, 0);
  const wanted = Math.min(images, there);
  let before = 0;
  const parts = taken.map(({ file, group }) => {
    const count = Math.floor(((before + group.rows) * wanted) / there) - Math.floor((before * wanted) / there);
    before += group.rows;
    return { file, group, rows: spread(group.rows, count) };
  });
  const picks = await inTurns(
    parts.filter(({ rows }) => rows.length),
    async (part) => {
      const all = await part.file.read(part.group, [set.label], signal);
      return { ...part, labels: part.rows.map((row) => plain(all[row][set.label])) };
    },
  );
  return picks.map((pick) => keep(pick, (label) => isKnown(set, label)));
}

/** A whole number as a plain one, even if the file stores bigints. @param {any} label */
const plain = (label) =>
  label === null || label === undefined ? null : typeof label === "string" ? label : Number(label);

/** @param {HubSet} set @param {string | number | null} label */
const isKnown = ({ names }, label) =>
  names ? typeof label === "number" && label >= 0 && label < names.length : label !== null;

/** @template {Labelled | Pick} P @param {P} pick @param {(label: any, i: number) => boolean} isKept @returns {P} */
function keep(pick, isKept) {
  const kept = pick.rows.map((_, i) => i).filter((i) => isKept(pick.labels[i], i));
  return { ...pick, rows: kept.map((i) => pick.rows[i]), labels: kept.map((i) => pick.labels[i]) };
}

/**
 * The labels themselves as names, in natural order.
 *
 * @param {Labelled[]} picks
 * @throws {EngineError} `hub-many-classes`
 */
function namesOf(picks) {
  const names = [...new Set(picks.flatMap(({ labels }) => labels.map(String)))].sort(natural);
  if (names.length <= MOST_CLASSES) return names;
  const values = { classes: names.length, most: MOST_CLASSES };
  throw new EngineError(
    "hub-many-classes",
    `found ${names.length} different labels; expected at most ${MOST_CLASSES}`,
    values,
  );
}

/**
 * Labels as numbers; rows with unknown names are left out.
 *
 * @param {Labelled} pick
 * @param {string[] | null} names
 * @returns {Pick}
 */
function number(pick, names) {
  if (!names) return /** @type {Pick} */ (pick);
  const numbers = new Map(names.map((name, i) => [name, i]));
  const known = keep(pick, (label) => numbers.has(String(label)));
  return { ...known, labels: known.labels.map((label) => /** @type {number} */ (numbers.get(String(label)))) };
}

/** Holds out every tenth picture. @param {Pick[]} picks */
function divide(picks) {
  let seen = 0;
  const held = picks.map(({ rows }) => rows.map(() => ++seen % HELD_OUT === 2));
  const part = (/** @type {boolean} */ is) => picks.map((pick, i) => keep(pick, (_, j) => held[i][j] === is));
  const [train, held_out] = [part(false), part(true)].map((picks) => picks.filter(({ rows }) => rows.length));
  return { train, held_out };
}

/** At most `count` evenly spaced numbers below `length`. @param {number} length @param {number} count */
export function spread(length, count) {
  const taken = Math.min(length, count);
  return Array.from({ length: taken }, (_, i) => Math.floor(((i + 0.5) * length) / taken));
}

/**
 * Calls `act` for each, a few at a time.
 *
 * @template T, R
 * @param {T[]} all
 * @param {(one: T) => Promise<R>} act
 * @returns {Promise<R[]>}
 */
async function inTurns(all, act) {
  /** @type {R[]} */
  const results = new Array(all.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, all.length) }, async () => {
      while (next < all.length) {
        const i = next++;
        results[i] = await act(all[i]);
      }
    }),
  );
  return results;
}
