/** The WebAssembly features of this browser. */
import { EngineError } from "./errors.js";

/** Smallest modules that use each instruction set: `() -> v128`. */
const PROBES = {
  // f32x4.relaxed_madd of three zero vectors
  "relaxed-simd": "0061736d010000000105016000017b030201000a13011100" + "4100fd0f4100fd0f4100fd0f" + "fd85020b",
  // i32x4.splat of 0
  simd128: "0061736d010000000105016000017b030201000a08010600" + "4100fd110b",
};
/** The same for threads: an `i32.atomic.load` from a shared memory. */
const THREADS = "0061736d01000000010401600000030201000504010301010a0b0109004100fe1002001a0b";

/** @param {string} module in hexadecimal */
function runs(module) {
  return !!globalThis.WebAssembly?.validate(Uint8Array.from(module.match(/../g) ?? [], (byte) => parseInt(byte, 16)));
}

/**
 * The best instruction set that this browser has.
 *
 * @throws {EngineError} `no-simd` if it has none
 */
export function pickInstructions() {
  for (const [name, module] of Object.entries(PROBES)) if (runs(module)) return name;
  throw new EngineError("no-simd", "this browser has no WebAssembly SIMD; Chrome 91, Firefox 89 and Safari 16.4 do");
}

/**
 * What keeps the core from using several threads.
 *
 * - `browser`: it has no shared memory for WebAssembly
 * - `isolation`: the page is not cross-origin isolated, so it may not use shared memory
 * - `failed`: threads were tried and did not start
 * - `lost`: one of several threads has ended
 *
 * @typedef {"browser" | "isolation" | "failed" | "lost"} Obstacle
 */

/** @returns {Obstacle | null} */
export function findObstacle() {
  if (!runs(THREADS)) return "browser";
  if (!globalThis.crossOriginIsolated) return "isolation"; // which also removes SharedArrayBuffer
  return globalThis.SharedArrayBuffer ? null : "browser";
}
