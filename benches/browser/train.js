// `cargo xtask bench train`: images per second of a training step of the CIFAR network: ours in Chromium, ours native and
// PyTorch, alternating; ours in Chromium against jax-js; and the share of a browser thread's peak performance that ours
// reaches in Chromium.
//
//     node benches/browser/train.js FOLDER PYTHON PROGRAM VARIANT [VARIANT-WITH-THREADS]
//
// FOLDER has jax-js in node_modules/, PYTHON has torch and torchvision; PROGRAM is our command line. A variant that is left out
// is not measured.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch, startServer } from "../../tests/browser/server.js";
import { alternate } from "./alternate.js";
import { peak } from "./peak.js";
import { bench, startPeer } from "./peer.js";
import { median, report } from "./report.js";

const CASES = [1, 0.35].flatMap((width) => [32, 96].map((batch) => ({ width, batch })));
/** A small case, which takes jax-js seconds. */
const SMALL = { width: 0.35, batch: 4 };
const ROUNDS = 5;
/** Measured steps, after three that warm up, in each program. */
const STEPS = 3;

const here = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));
const [folder, python, program, ...variants] = process.argv.slice(2);
const jax = `${folder}/node_modules/@jax-js/jax`;
const JAX = `jax-js ${JSON.parse(readFileSync(`${jax}/package.json`, "utf8")).version}`;

const server = await startServer({ policy: "", mounts: { "/bench/": here("page"), "/jax/": `${jax}/dist` } });
const browser = await launch();
const page = await browser.newPage();
await page.goto(`${server.url}bench/index.html`);
const ask = (/** @type {string} */ script, /** @type {string} */ method, /** @type {object} */ args) =>
  page.evaluate(([script, method, args]) => globalThis.ask(`/bench/${script}`, method, args), [script, method, args]);

/** Peak operations per second of a thread in this browser. @type {number} */
const limit = await ask("peak.js", "measure", peak(variants[0].includes("relaxed")));

/** PyTorch. @param {number} threads */
const startTorch = (threads) =>
  startPeer(python, [here("step.py")], {
    OMP_NUM_THREADS: String(threads),
    // Without these, glibc returns large buffers to the system after every step, and page faults take a third of the next one.
    MALLOC_MMAP_THRESHOLD_: "4294967296",
    MALLOC_TRIM_THRESHOLD_: "17179869184",
    MALLOC_TOP_PAD_: "268435456",
  });

/** @param {number} threads @param {{width: number, batch: number}} training */
const native = (threads, { width, batch }) =>
  bench(program, `--train --threads ${threads} --width ${width} --batch ${batch} --runs ${STEPS}`);

/** Operations per image of a step: forward, and twice as many backward. @param {number} width */
function operations(width) {
  const words = `describe --json --input cifar --resolution 32 --classes 10 --width ${width}`;
  return 6 * JSON.parse(execFileSync(program, words.split(" "), { encoding: "utf8" })).macs;
}

const rows = [];
const versions = [`Chromium ${browser.version()}`, JAX];

/**
 * Measures engines alternately; the last is the peer of all others.
 *
 * @param {number} threads
 * @param {{width: number, batch: number}} training
 * @param {Record<string, () => Promise<number[]>>} engines by name: the milliseconds of some steps
 */
async function compare(threads, training, engines) {
  const times = await alternate(ROUNDS, engines);
  const names = Object.keys(engines);
  const speed = (/** @type {string} */ name) => (training.batch / median(times[name])) * 1e3;
  const peer_name = names[names.length - 1];
  const peer = speed(peer_name);
  for (const ours_name of names.slice(0, -1)) {
    const ours = speed(ours_name);
    const gflops = (ours * operations(training.width)) / 1e9;
    const share_of_peak = ours_name === "native" ? null : (gflops * 1e9) / (limit * threads);
    const row = { case: `width ${training.width}, batch ${training.batch}`, threads, ours_name, ours };
    rows.push({ ...row, gflops, share_of_peak, peer_name, peer, ratio: ours / peer });
    console.log(row.case, `threads ${threads}`, ours_name, ours.toFixed(1), peer_name, peer.toFixed(1));
  }
}

for (const [index, threads] of [1, 2].entries()) {
  const torch = await startTorch(threads);
  if (index === 0) versions.push(torch.name);
  const variant = variants[index];
  const inBrowser = (/** @type {{width: number, batch: number}} */ training) =>
    variant && {
      [`Chromium, ${variant}`]: () => ask("training.js", "step", { ...training, steps: STEPS }),
    };
  await page.evaluate(() => globalThis.stop("/bench/training.js"));
  if (variant) await ask("training.js", "start", { variant, threads });
  for (const training of CASES) {
    await compare(threads, training, {
      ...inBrowser(training),
      native: () => native(threads, training),
      [torch.name]: () => torch.ask({ ...training, steps: STEPS }),
    });
  }
  if (threads === 1) {
    await ask("jax.js", "start", {});
    await ask("jax.js", "step", { ...SMALL, steps: 1 }); // compiles
    await compare(threads, SMALL, {
      ...inBrowser(SMALL),
      [JAX]: () => ask("jax.js", "step", { ...SMALL, steps: STEPS }),
    });
    await page.evaluate(() => globalThis.stop("/bench/jax.js"));
  }
  torch.end();
}
await browser.close();
await server.close();

report(
  "train",
  rows,
  `Images a second of a training step (forward, backward, update; batch norm in training mode) of the CIFAR network,
medians of ${ROUNDS * STEPS}, in alternation. PyTorch runs torchvision's network with the same strides, channels last, with
malloc's thresholds raised; jax-js runs the same network on its wasm backend, which has one thread. A thread of this browser computes ${(limit / 1e9).toFixed(1)} GFLOP/s at most.`,
  versions,
  {
    case: (row) => row.case,
    threads: (row) => row.threads,
    "ours runs in": (row) => row.ours_name,
    ours: (row) => row.ours.toFixed(1),
    "GFLOP/s": (row) => row.gflops.toFixed(1),
    "of the tab's peak": (row) => (row.share_of_peak === null ? "" : `${(row.share_of_peak * 100).toFixed(0)} %`),
    peer: (row) => row.peer_name,
    "peer's": (row) => row.peer.toPrecision(3),
    "ours / peer's": (row) => row.ratio.toPrecision(3),
  },
);
