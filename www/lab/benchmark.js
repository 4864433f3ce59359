/**
 * Measures how fast this browser runs and trains the network, case by case. Knows no DOM.
 *
 * @typedef {import("../engine/protocol.js").ProfileRow} ProfileRow
 *
 * @typedef {object} Case
 * @property {number} width
 * @property {number} resolution
 * @property {number} batch pictures per training step; 0 if one picture is classified
 *
 * @typedef {object} Measurement
 * @property {number} macs multiply-adds of one picture
 * @property {number} milliseconds median for one picture or one step
 * @property {number} rate pictures per second
 * @property {number} gflops billions of multiplications and additions per second; a step counts as three forward passes
 * @property {ProfileRow[]} rows
 * @property {string} variant of the core
 * @property {number} threads
 */
import { abortable } from "../engine/download.js";

export const BATCH = 32;

/** The widths and resolutions that the paper compares, then training on small pictures. @type {Case[]} */
export const CASES = [
  ...[0.35, 0.5, 0.75, 1, 1.4].flatMap((width) =>
    [96, 128, 160, 192, 224].map((resolution) => ({ width, resolution, batch: 0 })),
  ),
  ...[0.35, 1].map((width) => ({ width, resolution: 32, batch: BATCH })),
];

/**
 * Measures a case.
 *
 * @param {import("../engine/engine.js").Engine} engine
 * @param {Case} one
 * @param {AbortSignal} signal
 * @returns {Promise<Measurement>}
 */
export async function measure(engine, { width, resolution, batch }, signal) {
  /** @type {import("../engine/protocol.js").Config} */
  const config = { width, resolution, ...(batch && { stem: "cifar", classes: 10 }) };
  const { macs } = await abortable(engine.describe(config), signal);
  const { milliseconds, rows } = await abortable(engine.profile(config, { batch }), signal);
  const rate = ((batch || 1) / milliseconds) * 1e3;
  const { variant, threads } = engine;
  return { macs, milliseconds, rate, gflops: (rate * macs * 2 * (batch ? 3 : 1)) / 1e9, rows, variant, threads };
}

/**
 * A profile summed by kind of layer and operation, the longest first.
 *
 * @param {Case} one
 * @param {ProfileRow[]} rows
 */
export function summarize({ batch }, rows) {
  /** @type {Map<string, {kind: ProfileRow["kind"], operation: ProfileRow["operation"], seconds: number, macs: number}>} */
  const sums = new Map();
  for (const { kind, operation, seconds, macs } of rows) {
    const sum = sums.get(`${kind} ${operation}`) ?? { kind, operation, seconds: 0, macs: 0 };
    sum.seconds += seconds;
    sum.macs += macs * (batch || 1);
    sums.set(`${kind} ${operation}`, sum);
  }
  const total = rows.reduce((sum, { seconds }) => sum + seconds, 0);
  return [...sums.values()]
    .map((sum) => ({ ...sum, share: sum.seconds / total, gflops: (2 * sum.macs) / sum.seconds / 1e9 }))
    .sort((a, b) => b.seconds - a.seconds);
}

/** Comma-separated lines. @param {string[][]} rows the first with the names, none with a comma */
export const toCsv = (rows) => rows.map((row) => `${row.join(",")}\n`).join("");

/** A table in columns, with numbers aligned to the right. @param {string[][]} rows the first with the names */
export function toText(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (/** @type {string[]} */ row) =>
    row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join("  ") + "\n";
  return rows.map(line).join("");
}
