// Starts our core in the current worker or frame.

/** @param {{variant: string, threads: number}} options */
export async function startCore({ variant, threads }) {
  const { loadCore } = await import("/engine/core.js");
  return loadCore(variant, threads);
}

/** A weights file of an untrained network. @param {any} core @param {object} config */
export function untrained(core, config) {
  const trainer = new core.Trainer(config, { batch: 1 }, 1);
  const weights = trainer.weights(false);
  trainer.free();
  return weights;
}
