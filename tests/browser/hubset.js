// A set as the Hub lists it, of files that pyarrow wrote (tests/golden/parquet.py).

import { cp, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where the files are. */
export const FILES = new URL("../golden/parquet/", import.meta.url);

/**
 * Lays out a set in a folder, which a server has at `url`.
 *
 * @param {string} folder @param {string} url ends in a slash @param {Record<string, string>} splits files by split
 */
export async function layOut(folder, url, splits) {
  const files = [];
  await mkdir(folder, { recursive: true });
  for (const [split, file] of Object.entries(splits)) {
    const path = join(folder, `${split}.parquet`);
    await cp(new URL(`${file}.parquet`, FILES), path);
    files.push({ config: "default", split, url: `${url}${split}.parquet`, size: (await stat(path)).size });
  }
  await writeFile(join(folder, "parquet"), JSON.stringify({ parquet_files: files }));
  await writeFile(join(folder, "info"), JSON.stringify({ dataset_info: {} }));
}
