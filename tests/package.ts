// The npm package from TypeScript: with the declarations in dist/, not the comments of www/.

import { createEngine, type Config, type Recipe } from "../dist/engine/engine.js";

export async function train(config: Config, recipe: Recipe, signal: AbortSignal): Promise<number> {
  const engine = await createEngine({ threads: 2 });
  const trainer = await engine.createTrainer({ config, recipe, data: { kind: "shapes" } });
  for await (const { step, loss } of trainer.run({ steps: 20, signal })) console.log(step.toFixed(), loss.toFixed(3));
  const { accuracy } = await trainer.evaluate({ images: 100 });
  const classifier = await engine.loadClassifier(await trainer.weights());
  const { predictions } = await classifier.classify(new Blob(), { k: 3 });
  await classifier.classify(new Blob(), { box: { x: 10, y: 20, width: 100, height: 100 } });
  const trace = await engine.loadTrace(await trainer.weights());
  await trace.run(new Blob(), { reluFrom: 3, fit: "bars" });
  console.log((await trace.maps(0)).values[0].toFixed(), (await trace.statistics())[0].zeros.toFixed(2));
  // @ts-expect-error: no such fit exists
  await classifier.classify(new Blob(), { fit: "stretch" });
  // @ts-expect-error: a probability is not a string; without types this would pass
  predictions[0].probability.trim();
  return accuracy;
}
