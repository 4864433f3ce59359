// `cargo xtask bench train`: images a second of a training step of the CIFAR network: ours in Chromium, ours native and
// PyTorch, in alternation; and how near ours in Chromium comes to the most that a browser's thread computes.
//
//     node benches/browser/train.js PYTHON PROGRAM VARIANT [VARIANT-WITH-THREADS]
//
// PYTHON has torch and torchvision; PROGRAM is our command line. A variant that is left out is not measured.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { launch, startServer } from "../../tests/browser/server.js";
import { alternate } from "./alternate.js";
import { peak } from "./peak.js";
import { bench, startPeer } from "./peer.js";
import { median, report } from "./report.js";

const CASES = [1, 0.35].flatMap((width) => [32, 96].map((batch) => ({ width, batch })));
const ROUNDS = 5;
/** After three that warm up, in each of the programs. */
const STEPS = 3;

const here = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));
const [python, program, ...variants] = process.argv.slice(2);

const server = await startServer({ policy: "", mounts: { "/bench/": here("page") } });
const browser = await launch();
const page = await browser.newPage();
await page.goto(`${server.url}bench/index.html`);
const ask = (/** @type {string} */ script, /** @type {string} */ method, /** @type {object} */ args) =>
  page.evaluate(([script, method, args]) => globalThis.ask(`/bench/${script}`, method, args), [script, method, args]);

/** Operations a second of a thread of this browser, at most. @type {number} */
const limit = await ask("peak.js", "measure", peak(variants[0].includes("relaxed")));

/** PyTorch. @param {number} threads */
const startTorch = (threads) =>
  startPeer(python, [here("step.py")], {
    OMP_NUM_THREADS: String(threads),
    // Without these, glibc gives large buffers back after every step, and a third of the next goes into page faults.
    MALLOC_MMAP_THRESHOLD_: "4294967296",
    MALLOC_TRIM_THRESHOLD_: "17179869184",
    MALLOC_TOP_PAD_: "268435456",
  });

/** @param {number} threads @param {{width: number, batch: number}} training */
const native = (threads, { width, batch }) =>
  bench(program, `--train --threads ${threads} --width ${width} --batch ${batch} --runs ${STEPS}`);

/** Operations of a step an image: forward, and twice as many backward. @param {number} width */
function operations(width) {
  const words = `describe --json --input cifar --resolution 32 --classes 10 --width ${width}`;
  return 6 * JSON.parse(execFileSync(program, words.split(" "), { encoding: "utf8" })).macs;
}

const rows = [];
const versions = [`Chromium ${browser.version()}`];
for (const [index, threads] of [1, 2].entries()) {
  const torch = await startTorch(threads);
  if (index === 0) versions.push(torch.name);
  const variant = variants[index];
  await page.evaluate(() => globalThis.stop("/bench/training.js"));
  if (variant) await ask("training.js", "start", { variant, threads });
  for (const training of CASES) {
    const steps = { ...training, steps: STEPS };
    const times = await alternate(ROUNDS, {
      ...(variant && { [`Chromium, ${variant}`]: () => ask("training.js", "step", steps) }),
      native: () => native(threads, training),
      [torch.name]: () => torch.ask(steps),
    });
    const speed = (/** @type {string} */ name) => (training.batch / median(times[name])) * 1e3;
    const peer = speed(torch.name);
    for (const name of Object.keys(times).filter((name) => name !== torch.name)) {
      const ours = speed(name);
      const gflops = (ours * operations(training.width)) / 1e9;
      const share_of_peak = name === "native" ? null : (gflops * 1e9) / (limit * threads);
      const row = { case: `width ${training.width}, batch ${training.batch}`, threads, ours_name: name, ours };
      rows.push({ ...row, gflops, share_of_peak, peer_name: torch.name, peer, ratio: ours / peer });
      console.log(row.case, `threads ${threads}`, name, ours.toFixed(1), torch.name, peer.toFixed(1));
    }
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
malloc's thresholds raised. A thread of this browser computes ${(limit / 1e9).toFixed(1)} GFLOP/s at most.`,
  versions,
  {
    case: (row) => row.case,
    threads: (row) => row.threads,
    "ours runs in": (row) => row.ours_name,
    ours: (row) => row.ours.toFixed(1),
    "GFLOP/s": (row) => row.gflops.toFixed(1),
    "of the tab's peak": (row) => (row.share_of_peak === null ? "" : `${(row.share_of_peak * 100).toFixed(0)} %`),
    PyTorch: (row) => row.peer.toFixed(1),
    ratio: (row) => row.ratio.toFixed(2),
  },
);
