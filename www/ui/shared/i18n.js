/** Texts and numbers in the chosen language. Every string of the page is in i18n/. */
import { fetchJson } from "../../engine/download.js";
import { recall } from "../../lab/remember.js";
import { signal } from "../../lab/signals.js";

/** @typedef {Record<string, string | number | number[]>} Values */

export const LANGUAGES = ["en", "ko"];
/** The page's strings; an effect that reads a text, number or date runs again in another language. */
const words = signal({ language: "en", strings: /** @type {Record<string, string>} */ ({}) });

/** The initial language: the link's, the one chosen before, or else the first of the browser's that is available. */
export function preferredLanguage() {
  const [, linked = ""] = /[?&]lang=(\w+)/.exec(location.hash) ?? [];
  const wished = [linked, recall("language") ?? "", ...navigator.languages];
  return wished.map((tag) => tag.slice(0, 2)).find((tag) => LANGUAGES.includes(tag)) ?? "en";
}

/** Parts of the page that have strings of their own, by when those have arrived. @type {Map<string, Promise<void>>} */
const parts = new Map();

/** A language's strings: the common ones, or those of a part. @param {string} language @param {string} [part] */
const read = (language, part) =>
  fetchJson(new URL(`../../i18n/${part ? `${part}.` : ""}${language}.json`, import.meta.url));

/** Loads a language and translates every marked element of the page. @param {string} language */
export async function setLanguage(language) {
  const known = [...parts.keys()];
  const all = await Promise.all([read(language), ...known.map((part) => read(language, part))]);
  if (parts.size > known.length) return setLanguage(language); // a part was opened meanwhile
  document.documentElement.lang = language;
  words.value = { language, strings: Object.assign({}, ...all) };
  translate(document.documentElement);
}

/**
 * Loads the strings of a part of the page, `i18n/PART.LANGUAGE.json`, which only those who open it need.
 *
 * @param {string} part
 */
export function addStrings(part) {
  const add = async () => {
    const { language } = words.peek();
    const strings = await read(language, part);
    if (language !== words.peek().language) return setLanguage(words.peek().language);
    words.value = { language, strings: { ...words.peek().strings, ...strings } };
  };
  const adding = parts.get(part) ?? add();
  parts.set(part, adding);
  adding.catch(() => parts.delete(part)); // the next opening tries again
  return adding;
}

export const currentLanguage = () => words.value.language;

/** Whether a string exists. @param {string} key */
export const has = (key) => key in words.value.strings;

/**
 * The string of a key, with each `{name}` replaced by its value.
 *
 * @param {string} key
 * @param {Values} [values]
 */
export function t(key, values = {}) {
  return (words.value.strings[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? "";
    return typeof value === "string"
      ? value
      : [value]
          .flat()
          .map((one) => number(one))
          .join(", ");
  });
}

/**
 * Fills elements with keys: `data-t` for the text, `data-t-NAME` for the attribute NAME. In a text, `[[words|term]]`
 * becomes a term with the explanation `term.TERM`.
 *
 * @param {ParentNode & Node} root
 */
export function translate(root) {
  const elements = root instanceof HTMLElement ? [root] : [];
  for (const element of [...elements, .../** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("*"))]) {
    for (const [name, key] of Object.entries(element.dataset)) {
      if (name === "t") element.replaceChildren(...rich(t(key ?? "")));
      else if (/^t[A-Z]/.test(name)) element.setAttribute(attribute(name), t(key ?? ""));
    }
  }
}

/** `tAriaLabel` → `aria-label`. @param {string} name */
function attribute(name) {
  return name.slice(1).replace(/[A-Z]/g, (letter, at) => (at ? "-" : "") + letter.toLowerCase());
}

/** Text with its terms, commands and addresses as elements. @param {string} text */
export function rich(text) {
  return text.split(/(\[\[.+?\]\]|`.+?`|https?:\/\/\S*[^\s.,:;!?)”’])/).map((part) => {
    const [, phrase, key] = /^\[\[(.+?)\|(.+?)\]\]$/.exec(part) ?? [];
    if (key) return term(phrase, `term.${key}`);
    if (part.startsWith("`")) return command(part.slice(1, -1));
    return /^https?:/.test(part) ? link(part) : document.createTextNode(part);
  });
}

/** A command, whose lines end between its words only: browsers would also break after a hyphen. @param {string} text */
function command(text) {
  const element = document.createElement("code");
  for (const part of text.split(/( )/)) {
    const word = document.createElement("span");
    word.textContent = part;
    element.append(part === " " ? part : word);
  }
  return element;
}

/** @param {string} address */
function link(address) {
  const element = document.createElement("a");
  Object.assign(element, { href: address, textContent: address, target: "_blank", rel: "noreferrer" });
  return element;
}

/** A text without its terms' marks, for where there are no elements. @param {string} text */
export const plain = (text) => text.replace(/\[\[(.+?)\|.+?\]\]/g, "$1");

/**
 * A technical term: dotted underline, with its explanation on hover, focus or tap (ui/explain.js).
 *
 * @param {string} words
 * @param {string} key of the explanation
 */
export function term(words, key) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "term";
  button.dataset.explain = key;
  button.textContent = words;
  return button;
}

/** A class's name in the page's language, if known. @param {string} name */
export const className = (name) => (has(`name.${name}`) ? t(`name.${name}`) : name);

/** @param {number} value @param {Intl.NumberFormatOptions} [options] */
export function number(value, options = {}) {
  return new Intl.NumberFormat(words.value.language, options).format(value);
}

/** A measured figure with three digits; trailing zeros show its precision. @param {number} value */
export function figure(value) {
  if (!Number.isFinite(value)) return "–";
  if (value >= 999_500) return scientific(value); // without this, a diverged value of 3e38 would have 39 digits
  return number(value, { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
}

/** At most three digits: 1.2, 12.3, 123. @param {number} value */
const short = (value) => number(value, { maximumSignificantDigits: 3 });

/** The same for values that may be very small: 0.0123, 1.23e-7. @param {number} value */
export function tiny(value) {
  if (!value || value >= 1e-4) return short(value);
  return scientific(value);
}

/** @param {number} value */
const scientific = (value) => number(value, { notation: "scientific", maximumSignificantDigits: 3 }).replace("E", "e");

/** A number and its unit on one line. @param {string} amount @param {string} unit */
const of = (amount, unit) => `${amount}\u00a0${unit}`;

/** A large count: 300 M, 12.3 M, 45.6 k. @param {number} value */
export function count(value) {
  if (value >= 999.5e6) return of(short(value / 1e9), "G");
  if (value >= 999.5e3) return of(short(value / 1e6), "M");
  return value >= 1e4 ? of(short(value / 1e3), "k") : number(value);
}

/** @param {number} value */
export function bytes(value) {
  if (value < 999.5) return of(number(value), "B");
  if (value >= 999.5e6) return of(short(value / 1e9), "GB");
  return value >= 999_500 ? of(short(value / 1e6), "MB") : of(short(value / 1e3), "kB");
}

/** @param {number} value */
export function milliseconds(value) {
  if (value >= 1000) return of(number(value / 1000, { minimumFractionDigits: 1, maximumFractionDigits: 1 }), "s");
  const digits = value >= 99.95 ? 0 : value >= 0.995 ? 1 : 2;
  return of(number(value, { minimumFractionDigits: digits, maximumFractionDigits: digits }), "ms");
}

/** A share as 67.4 %. @param {number} value */
export function percent(value) {
  return of(number(value * 100, { minimumFractionDigits: 1, maximumFractionDigits: 1 }), "%");
}

/** With fewer pictures, each counts for more than a per cent or two, and a percentage suggests too much precision. */
const FEW = 50;
/** Whether results on this many pictures are shown as a count. @param {number} total */
export const areFew = (total) => total < FEW;

/** An accuracy as a percentage or, for few pictures, as a count. @param {{accuracy: number, total: number}} found */
export const accuracyOf = ({ accuracy, total }) =>
  areFew(total) ? t("accuracy.few", { right: Math.round(accuracy * total), total }) : percent(accuracy);

/** Date and time. @param {Date} date */
export const moment = (date) =>
  new Intl.DateTimeFormat(words.value.language, { dateStyle: "medium", timeStyle: "short" }).format(date);

/** Time of day, of another day with the weekday. @param {Date} date @param {boolean} exact with seconds */
export function clock(date, exact) {
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (exact) options.second = "2-digit";
  if (date.toDateString() !== new Date().toDateString()) options.weekday = "short";
  return new Intl.DateTimeFormat(words.value.language, options).format(date);
}

/** Time left, roughly. @param {number} seconds */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 90) return t("unit.seconds", { n: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return t("unit.minutes", { n: Math.round(seconds / 60) });
  return t("unit.hours", { n: number(seconds / 3600, { maximumFractionDigits: 1 }) });
}

/**
 * The message for an error: the page's words, or the core's, which name numbers and tensors in English. A browser's own message is for
 * developers, so it goes to the console.
 *
 * @param {unknown} error
 * @returns {string}
 */
export const explainError = (error) => explain(error, "error.browser");

/** @param {any} error @param {string} otherwise the key of the message for an error without words @returns {string} */
function explain(error, otherwise) {
  const { code = "", name = "", message = "", values = {} } = error ?? {};
  if (code === "core") return t("error.core", { reason: message });
  const key = [`error.${code}`, `error.browser.${name}`].find(has);
  if (!key) console.info(error);
  /** @type {Values} */
  const told = {};
  for (const [name, value] of Object.entries(values))
    told[name] = value instanceof Error ? explain(value, "error.browser.silent") : value;
  if (told.status === "") told.status = t("error.no-answer");
  return t(key ?? otherwise, told);
}
