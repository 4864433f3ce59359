// The benchmarks' reports: JSON for programs, a table for people, and the same table in docs/performance.md.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { fileURLToPath } from "node:url";

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/** This processor's widest vector instructions, which change native ratios by a third. */
function instructions() {
  if (arch() === "arm64") return "NEON";
  const features =
    platform() === "darwin"
      ? execFileSync("sysctl", ["-n", "machdep.cpu.leaf7_features"], { encoding: "utf8" })
      : readFileSync("/proc/cpuinfo", "utf8");
  if (/\bavx512f\b/i.test(features)) return "AVX-512";
  return /\bavx2\b/i.test(features) ? "AVX2" : "no AVX2";
}

/** @param {number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Writes target/bench/NAME.json, prints the table and puts it between the markers `<!-- bench NAME -->` and
 * `<!-- end -->` of docs/performance.md.
 *
 * @param {string} name
 * @param {Record<string, unknown>[]} rows one per case
 * @param {string} note description of the table, a sentence or two
 * @param {string[]} versions of all participants
 * @param {Record<string, (row: any) => string | number>} columns by title
 */
export function report(name, rows, note, versions, columns) {
  const date = new Date().toISOString().slice(0, 10);
  const about = { date, processor: `${cpus()[0].model} (${instructions()}), ${cpus().length} cores`, versions };
  mkdirSync(path("target/bench"), { recursive: true });
  writeFileSync(
    path(`target/bench/${name}.json`),
    JSON.stringify(
      rows.map((row) => ({ ...row, ...about })),
      null,
      1,
    ),
  );

  const titles = Object.keys(columns);
  const cells = rows.map((row) => titles.map((title) => String(columns[title](row))));
  const line = (/** @type {string[]} */ values) => `| ${values.join(" | ")} |`;
  const table = [line(titles), line(titles.map(() => "---")), ...cells.map(line)].join("\n");
  const text = `${note} Measured ${date} on ${about.processor}: ${versions.join(", ")}.\n\n${table}`;
  console.log(`\n${text}\n`);

  const markers = new RegExp(`(<!-- bench ${name} -->\n)[^]*?(<!-- end -->)`);
  const page = readFileSync(path("docs/performance.md"), "utf8");
  if (!markers.test(page))
    throw new Error(`docs/performance.md has no markers <!-- bench ${name} --> and <!-- end -->`);
  writeFileSync(
    path("docs/performance.md"),
    page.replace(markers, (_, begin, end) => `${begin}\n${text}\n\n${end}`),
  );
}
