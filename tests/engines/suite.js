// The page's suite, tests/browser/*.test.js, in Firefox.
//
//     node tests/engines/suite.js [FILE…]
//
// A test listed in impossible.js must fail: one that starts to work must be removed from the list.

import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { run } from "node:test";
import { fileURLToPath } from "node:url";
import { IMPOSSIBLE } from "./impossible.js";

/** Milliseconds after which a file has failed: a lost answer of the driver would otherwise hold the suite forever. */
const FILE_TIMEOUT = 600_000;

const folder = fileURLToPath(new URL("../browser/", import.meta.url));
const named = process.argv.slice(2).map((file) => basename(file));
const files = named.length ? named : readdirSync(folder).filter((file) => file.endsWith(".test.js"));

/** Reasons by title of the listed tests not yet seen. @type {Map<string, string>} */
const reasons = new Map(
  IMPOSSIBLE.flatMap(({ reason, tests }) =>
    tests.filter(([file]) => files.includes(file)).map(([file, name]) => [`${file}: ${name}`, reason]),
  ),
);
const counts = { passed: 0, listed: 0, skipped: 0 };
/** @type {string[]} */
const wrong = [];

process.env.BROWSER = "firefox"; // for `launch` of tests/browser/server.js
// Two files at a time: pages wait more than they compute.
for await (const { type, data } of run({
  files: files.map((file) => folder + file),
  concurrency: 2,
  timeout: FILE_TIMEOUT,
})) {
  if (type !== "test:pass" && type !== "test:fail") continue;
  const title = `${basename(data.file ?? "")}: ${data.name}`;
  const reason = reasons.get(title);
  reasons.delete(title);
  if (type === "test:fail" && reason) {
    counts.listed += 1;
    console.log(`– ${title} (${reason})`);
  } else if (type === "test:fail") {
    wrong.push(title);
    const { error } = data.details;
    console.log(`✖ ${title}\n${error.cause?.stack ?? error.cause ?? error}`);
  } else if (reason) {
    wrong.push(`${title}: it works, remove it from the list`);
  } else {
    counts[data.skip === undefined ? "passed" : "skipped"] += 1;
    console.log(`✔ ${title} ${(data.details.duration_ms / 1e3).toFixed(1)} s`);
  }
}
wrong.push(...[...reasons.keys()].map((title) => `${title}: listed, but there is no such test`));

console.log(`\n${counts.passed} passed, ${counts.skipped} skipped, ${counts.listed} listed as impossible`);
for (const title of wrong) console.log(`✖ ${title}`);
process.exitCode = wrong.length ? 1 : 0;
