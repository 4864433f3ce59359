// Every string that the page uses exists in both languages, and none is unused. Needs no browser.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import test from "node:test";

const www = new URL("../../www/", import.meta.url);
const languages = ["en", "ko"];

/** Texts of a language's files: the common strings, and those of each part. @param {string} language */
async function texts(language) {
  const names = (await readdir(new URL("i18n/", www))).filter((name) => name.endsWith(`${language}.json`));
  return Promise.all(names.map((name) => readFile(new URL(`i18n/${name}`, www), "utf8")));
}

/** @param {string} language @returns {Promise<Record<string, string>>} */
const strings = async (language) => Object.assign({}, ...(await texts(language)).map((text) => JSON.parse(text)));

async function sources() {
  const names = (await readdir(www, { recursive: true })).filter((name) => /\.js$|^(index|bench)\.html$/.test(name));
  return Promise.all(names.map((name) => readFile(new URL(name, www), "utf8")));
}

test("both languages have the same keys, values and terms", async () => {
  const [en, ko] = await Promise.all(languages.map(strings));
  assert.deepEqual(Object.keys(ko), Object.keys(en));
  const parts = (/** @type {string} */ text) => [...text.matchAll(/\{\w+\}|\|[\w-]+\]\]/g)].map(String).sort();
  for (const [key, text] of Object.entries(en)) assert.deepEqual(parts(ko[key]), parts(text), key);
});

test("no key is duplicated: the last would silently win", async () => {
  for (const language of languages) {
    const text = (await texts(language)).join("\n");
    const keys = [...text.matchAll(/^ {2}"([^"]+)":/gm)].map(([, key]) => key);
    assert.deepEqual(
      keys.filter((key, i) => keys.indexOf(key) < i),
      [],
    );
  }
});

test("every key that is used exists, and every key is used", async () => {
  const en = await strings("en");
  const text = (await sources()).join("\n");
  /** Literal keys: every string that looks like one. */
  const literal = new Set([...text.matchAll(/["`]([a-z]+(?:[.-][\w-]+)*)["`]/g)].map(([, key]) => key));
  /** Keys with an interpolated part: `setting.${key}.hint`. */
  const patterns = [...text.matchAll(/`([a-z]+\.(?:[\w.-]|\$\{[^}]+\})*\$\{(?:[\w.-]|\$\{|\})*)`/g)].map(
    ([, key]) => new RegExp(`^${key.replace(/\$\{[^}]+\}/g, "[\\w.-]+").replace(/\.(?!\])/g, "\\.")}$`),
  );
  /** Explanations that strings link to, and those of a network's layers. `term.${…}` in the sources would match any. */
  const terms = new Set(
    Object.entries(en).flatMap(([key, value]) =>
      [...value.matchAll(/\|([\w-]+)\]\]/g), ...key.matchAll(/^layer\.(.+)/g)].map(([, term]) => `term.${term}`),
    ),
  );
  for (const key of Object.keys(en)) {
    const used = key.startsWith("term.")
      ? terms.has(key)
      : literal.has(key) || patterns.some((pattern) => pattern.test(key));
    assert.ok(used, `${key} is not used`);
  }
  for (const term of terms) assert.ok(term in en, `${term} is missing`);
  const asked = [...text.matchAll(/(?:\bt\(|\bt: |"t-[\w-]+": |data-t(?:-[\w-]+)?=|legend: )"([\w.-]+)"/g)].map(
    ([, key]) => key,
  );
  assert.ok(asked.length > 60, "the keys are found in the sources");
  for (const key of asked) assert.ok(key in en, `${key} is missing`);
});

test("every error code has its strings", async () => {
  const en = await strings("en");
  const text = (await sources()).join("\n");
  const codes = new Set([...text.matchAll(/(?:EngineError|failure)\(\s*"([\w-]+)"/g)].map(([, code]) => code));
  assert.ok(codes.size > 30, "the codes are found in the sources");
  for (const code of ["core", "wrong-argument", "no-threads"]) codes.delete(code); // the core's own words; for developers
  for (const code of codes) assert.ok(`error.${code}` in en, `error.${code} is missing`);
});

test("every setting has its strings", async () => {
  const en = await strings("en");
  const { SETTINGS } = await import(new URL("lab/settings.js", www).href);
  for (const { key, choices = [], quick } of SETTINGS) {
    const wanted = [
      "",
      ".hint",
      ...choices.map((/** @type {string} */ choice) => `.${choice}`),
      ...(choices.length || typeof quick === "string" ? [] : [".short"]),
    ];
    for (const part of wanted) assert.ok(`setting.${key}${part}` in en, `setting.${key}${part} is missing`);
  }
});
