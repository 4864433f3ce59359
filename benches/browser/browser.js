// `cargo xtask bench browser`: inference in headless Chromium against other engines in it, and natively against
// onnxruntime, alternating.
//
//     node benches/browser/browser.js FOLDER PYTHON PROGRAM VARIANT [VARIANT-WITH-THREADS]
//
// FOLDER has the peers' packages in node_modules/, PYTHON has tensorflow and onnxruntime; PROGRAM is our command line.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch, startServer } from "../../tests/browser/server.js";
import { alternate } from "./alternate.js";
import { peak } from "./peak.js";
import { bench, startPeer } from "./peer.js";
import { median, report } from "./report.js";

const NETWORKS = [
  { width: 1, resolution: 224 },
  { width: 1, resolution: 96 },
  { width: 0.35, resolution: 96 },
];
/** Alternating blocks of runs. */
const ROUNDS = 5;
const RUNS = 8;
/** Warm-up runs: a system takes some until each thread has its own processor. */
const WARM_UP = 10;

const here = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));
const [folder, python, program, ...variants] = process.argv.slice(2);
const packages = `${folder}/node_modules`;
const version = (/** @type {string} */ name) =>
  JSON.parse(readFileSync(`${packages}/${name}/package.json`, "utf8")).version;

const PEERS = {
  litert: `LiteRT.js ${version("@litertjs/core")}`,
  onnxruntime: `onnxruntime-web ${version("onnxruntime-web")}`,
  tensorflow: `TensorFlow.js ${version("@tensorflow/tfjs-core")}`,
};

const sources = Object.keys(PEERS).map((name) => here(`peers/${name}.js`));
const bundle = ["--bundle", "--format=iife", "--external:/engine/*", "--log-level=warning", `--outdir=${folder}/peers`];
execFileSync(`${packages}/.bin/esbuild`, [...sources, ...bundle], {
  env: { ...process.env, NODE_PATH: packages },
  stdio: "inherit",
});
const fileName = (/** @type {{width: number, resolution: number}} */ { width, resolution }) => `${width}-${resolution}`;
const networks = NETWORKS.map(fileName);
if (!networks.every((network) => existsSync(`${folder}/tflite/${network}.tflite`))) {
  mkdirSync(`${folder}/tflite`, { recursive: true });
  execFileSync(python, [here("tflite.py"), `${folder}/tflite`, ...networks], { stdio: "inherit" });
}

const server = await startServer({
  policy: "",
  mounts: {
    "/bench/": here("page"),
    "/peers/": `${folder}/peers`,
    "/tflite/": `${folder}/tflite`,
    "/litert/": `${packages}/@litertjs/core/wasm`,
    "/onnxruntime/": `${packages}/onnxruntime-web/dist`,
    "/tensorflow/": `${packages}/@tensorflow/tfjs-backend-wasm/wasm-out`,
  },
});
const browser = await launch();
const page = await browser.newPage();
await page.goto(`${server.url}bench/index.html`);
const ask = (/** @type {string} */ address, /** @type {string} */ method, /** @type {object} */ args = {}) =>
  page.evaluate(([address, method, args]) => globalThis.ask(address, method, args), [address, method, args]);

/** Operations per second. */
const limit = await ask("/bench/peak.js", "measure", peak(variants[0].includes("relaxed")));
console.log(`peak of a thread: ${(limit / 1e9).toFixed(1)} GFLOP/s`);

const rows = [];

/**
 * Measures engines alternately on a network; the first is ours, the others are its peers.
 *
 * @param {{width: number, resolution: number}} network
 * @param {number} threads
 * @param {number} macs
 * @param {Record<string, () => Promise<number[]>>} engines by name: the milliseconds of some runs
 */
async function compare(network, threads, macs, engines) {
  const times = await alternate(ROUNDS, engines);
  const [ours_name, ...peers] = Object.keys(engines);
  const ours = median(times[ours_name]);
  const gflops = (2 * macs) / ours / 1e6;
  for (const peer_name of peers) {
    const peer = median(times[peer_name]);
    const row = { case: `${network.width}/${network.resolution}`, threads, ours_name, ours, peer_name, peer };
    rows.push({ ...row, ratio: ours / peer, gflops, share_of_peak: (gflops * 1e9) / (limit * threads) });
    console.log(row.case, `threads ${threads}`, ours_name, ours.toFixed(2), peer_name, peer.toFixed(2));
  }
}

const modelOf = (/** @type {{width: number, resolution: number}} */ network) => `${folder}/${fileName(network)}.onnx`;
/** Multiply-adds of the networks, in order. @type {number[]} */
const macsOf = [];
for (const [index, variant] of variants.entries()) {
  const threads = index + 1;
  const OURS = "/bench/ours.js";
  const peers = Object.entries(PEERS).map(([file, name]) => ({ name, address: `/peers/${file}.js` }));
  // Each engine has its own worker or frame.
  const engines = [{ name: `Chromium, ${variant}`, address: OURS }, ...peers];
  for (const { address } of engines) {
    await page.evaluate((address) => globalThis.stop(address), address);
    await ask(address, "start", { variant, threads });
  }
  for (const network of NETWORKS) {
    const { macs } = await ask(OURS, "load", network);
    for (const { address } of peers) await ask(address, "load", network);
    const run = (/** @type {string} */ address) => async () =>
      (await ask(address, "run", { runs: WARM_UP + RUNS })).slice(WARM_UP);
    await compare(network, threads, macs, Object.fromEntries(engines.map((e) => [e.name, run(e.address)])));
    if (threads === 1) {
      macsOf.push(macs);
      writeFileSync(modelOf(network), await ask(OURS, "onnx"), "base64");
    }
  }
}
await browser.close();
await server.close();

const versions = [`Chromium ${browser.version()}`, ...Object.values(PEERS)];
for (const threads of [1, 2]) {
  const onnxruntime = await startPeer(python, [here("onnx.py"), String(threads)]);
  if (threads === 1) versions.push(onnxruntime.name);
  for (const [index, network] of NETWORKS.entries()) {
    const { width, resolution } = network;
    const words = `--threads ${threads} --width ${width} --resolution ${resolution} --runs ${RUNS}`;
    await compare(network, threads, macsOf[index], {
      native: () => bench(program, words),
      [onnxruntime.name]: () => onnxruntime.ask({ model: modelOf(network), runs: RUNS }),
    });
  }
  onnxruntime.end();
}

report(
  "browser",
  rows,
  `Milliseconds of a network for one picture, medians of ${ROUNDS * RUNS} runs in alternation. A thread of this browser computes
${(limit / 1e9).toFixed(1)} GFLOP/s at most (\`benches/browser/peak.js\`, in the same run).`,
  versions,
  {
    network: (row) => row.case,
    threads: (row) => row.threads,
    "ours runs in": (row) => row.ours_name,
    "ours, ms": (row) => row.ours.toFixed(2),
    "GFLOP/s": (row) => row.gflops.toFixed(1),
    "of the tab's peak": (row) => (row.ours_name === "native" ? "" : `${(row.share_of_peak * 100).toFixed(0)} %`),
    peer: (row) => row.peer_name,
    "peer, ms": (row) => row.peer.toFixed(2),
    "ours / peer": (row) => row.ratio.toFixed(2),
  },
);
