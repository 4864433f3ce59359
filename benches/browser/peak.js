// The peak performance of a thread in a browser: a loop of multiply-adds on independent sums that
// never leave their registers.

import binaryen from "binaryen";

/** Number of sums: enough to hide an instruction's latency, few enough for sixteen registers. */
const SUMS = 12;

/**
 * A module whose `run(iterations, x)` performs `operations` per iteration.
 *
 * @param {boolean} fused whether to use relaxed SIMD's multiply-add
 */
export function peak(fused) {
  const sums = Array.from({ length: SUMS }, (_, i) => `(local.get $sum${i})`);
  const product = "(local.get $x) (local.get $x)";
  const add = (/** @type {string} */ sum) =>
    fused ? `(f32x4.relaxed_madd ${product} ${sum})` : `(f32x4.add (f32x4.mul ${product}) ${sum})`;
  const module = binaryen.parseText(`(module
    (func (export "run") (param $iterations i32) (param $start f32) (result f32)
      (local $x v128) ${sums.map((_, i) => `(local $sum${i} v128)`).join(" ")}
      (local.set $x (f32x4.splat (local.get $start)))
      (loop $again
        ${sums.map((sum, i) => `(local.set $sum${i} ${add(sum)})`).join(" ")}
        (br_if $again (local.tee $iterations (i32.sub (local.get $iterations) (i32.const 1)))))
      (f32x4.extract_lane 0 ${sums.reduce((a, b) => `(f32x4.add ${a} ${b})`)})))`);
  module.setFeatures(binaryen.Features.SIMD128 | binaryen.Features.RelaxedSIMD);
  return { bytes: [...module.emitBinary()], operations: SUMS * 4 * 2 };
}
