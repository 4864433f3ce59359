/** Wires the page that measures this browser. */
import { createEngine } from "./engine.js";
import { askedThreads, startFrame } from "./frame.js";
import { explainError, t } from "./i18n.js";
import { Offline } from "./offline.js";
import { createBench } from "./views/bench.js";

const main = /** @type {HTMLElement} */ (document.getElementById("bench"));

async function start() {
  await startFrame();
  const offline = new Offline();
  await offline.isolate();
  const engine = await createEngine({ threads: askedThreads() });
  main.replaceChildren(...createBench(engine));
  offline.keep([`pkg/${engine.variant}/`]);
}

start().catch((error) => {
  main.textContent = t("error.start", { reason: explainError(error) });
  main.classList.add("problem");
  document.body.hidden = false;
});
