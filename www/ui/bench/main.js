/** Wires up the page that measures this browser. */
import { createEngine } from "../../engine/engine.js";
import { coreOf } from "../../lab/core.js";
import { askedThreads, showFailure, startFrame } from "../frame.js";
import { Offline } from "../offline.js";
import { createBench } from "./bench.js";

const main = /** @type {HTMLElement} */ (document.getElementById("bench"));

/** @type {Offline | undefined} */
let offline;

async function start() {
  await startFrame();
  offline = new Offline();
  await offline.isolate();
  const engine = await createEngine({ threads: askedThreads() });
  main.replaceChildren(...createBench(engine, coreOf(engine)));
  offline.keep(engine.variants.map((name) => `engine/pkg/${name}/`));
}

start().catch((error) => showFailure(main, error, offline));
