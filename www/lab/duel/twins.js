/**
 * Two networks that were trained alike but for their activation, and how often they are right when their numbers are rounded.
 * Knows no DOM.
 *
 * @typedef {import("../tracing.js").Trace} Trace
 * @typedef {import("../../engine/protocol.js").Batch} Batch
 * @typedef {Record<Twin, Uint8Array>} Answers of each network, picture by picture: 1 if it is right, else 0
 */
import { abortable, download } from "../../engine/download.js";
import { EngineError } from "../../engine/errors.js";
import { FINAL } from "../session/sample.js";
import { accuracyOf, holm, isClear, outcomeOf } from "./outcome.js";

/** @typedef {"relu6" | "relu"} Twin */
export const TWINS = /** @type {const} */ (["relu6", "relu"]);
const FOLDER = new URL("../../weights/twins/", import.meta.url);
/** Pictures asked about at once: the core does other things in between. */
const SLICE = 50;
/** Bytes of a picture of CIFAR-10. */
const PICTURE = 32 * 32 * 3;
/** The least network that the core gives CIFAR-10's pictures to. */
const LEAST = /** @type {const} */ ({ config: { width: 0.1, resolution: 32, classes: 10, stem: "cifar" } });

/** The two networks, to be changed. @param {import("../../engine/engine.js").Engine} engine @param {AbortSignal} signal */
export async function openTwins(engine, signal) {
  /** @type {Trace[]} */
  const traces = [];
  try {
    for (const name of TWINS) {
      const bytes = await download(new URL(`${name}.safetensors`, FOLDER), { signal });
      traces.push(await engine.loadTrace(bytes));
    }
  } catch (/** @type {any} */ error) {
    for (const trace of traces) trace.close();
    const { message, code, values } = error;
    if (code === "missing-file" || values?.status === "404") throw new EngineError("no-twins", message, values);
    throw error;
  }
  return /** @type {Record<Twin, Trace>} */ (Object.fromEntries(TWINS.map((name, i) => [name, traces[i]])));
}

/**
 * The test pictures of CIFAR-10 by which all trainings are judged.
 *
 * @param {import("../../engine/engine.js").Engine} engine @param {import("../cifar.js").Cifar} cifar @param {AbortSignal} signal
 */
export async function judgingPictures(engine, cifar, signal) {
  const trainer = await engine.createTrainer({ ...LEAST, data: await cifar.data(), signal });
  try {
    return await abortable(trainer.heldOut(Math.min(FINAL, trainer.held_out)), signal);
  } finally {
    trainer.close();
  }
}

/**
 * Which pictures both networks get right with so many bits for each weight and each activation.
 *
 * @param {Record<Twin, Trace>} twins
 * @param {Batch} pictures
 * @param {number} bits
 * @param {{signal: AbortSignal, onProgress: (share: number) => void}} how
 */
export async function answersAt(twins, { images, labels }, bits, { signal, onProgress }) {
  const changes = { weightBits: bits, activationBits: bits };
  const answers = { relu6: new Uint8Array(labels.length), relu: new Uint8Array(labels.length) };
  for (const [turn, name] of TWINS.entries()) {
    for (let from = 0; from < labels.length; from += SLICE) {
      signal.throwIfAborted();
      const slice = Array.from({ length: Math.min(SLICE, labels.length - from) }, (_, i) => from + i);
      const right = slice.map((at) => {
        // one by one, since a comparison needs to know which ones
        const one = { images: images.slice(at * PICTURE, (at + 1) * PICTURE), labels: labels.slice(at, at + 1) };
        return twins[name].correct(one, changes);
      });
      answers[name].set(await Promise.all(right), from);
      onProgress((turn + (from + slice.length) / labels.length) / TWINS.length);
    }
  }
  return answers;
}

/**
 * What all measured numbers of bits show: accuracies, and where the networks differ clearly. The more are measured, the more a
 * difference has to be to count (Holm's correction).
 *
 * @param {Map<number, Answers>} measured by bits
 */
export function compare(measured) {
  const points = [...measured].sort(([a], [b]) => a - b);
  const differences = points.map(([, { relu6, relu }]) => outcomeOf([[relu6, relu]]).differences[0]);
  const ps = holm(differences.map(({ p }) => p));
  return points.map(([bits, { relu6, relu }], i) => {
    const difference = { ...differences[i], p: ps[i] };
    return { bits, relu6: accuracyOf(relu6), relu: accuracyOf(relu), difference, clear: isClear(difference) };
  });
}
