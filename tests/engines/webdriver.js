// A WebDriver client (https://www.w3.org/TR/webdriver2/) with what a walk through the page needs: the one
// protocol that the drivers of all three engines speak.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const SCRIPT_MILLISECONDS = 120_000;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Starts a driver, and through it a browser.
 *
 * @param {string} program the driver
 * @param {object} capabilities that the browser must have
 * @param {Record<string, string | undefined>} env added to the environment; undefined removes
 */
export async function startBrowser(program, capabilities, env = {}) {
  const port = await freePort();
  const driver = spawn(program, [`--port=${port}`], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  driver.stderr.on("data", (data) => (said = `${said}${data}`.slice(-2000)));
  const ended = new Promise((_, reject) => {
    driver.once("error", reject);
    driver.once("exit", (code) => reject(new Error(`${program} ended (${code}): ${said}`)));
  });
  ended.catch(() => {}); // reported where it is awaited

  /** @param {string} method @param {string} path @param {object} [body] */
  async function ask(method, path, body) {
    const request = fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    const response = await Promise.race([request, ended]);
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }
  async function listens() {
    for (const end = Date.now() + 20_000; ; await pause(50)) {
      try {
        return await ask("GET", "/status");
      } catch (error) {
        if (driver.exitCode !== null || Date.now() > end) throw error;
      }
    }
  }

  try {
    await listens();
    const { sessionId, capabilities: given } = await ask("POST", "/session", {
      capabilities: { alwaysMatch: capabilities },
    });
    await ask("POST", `/session/${sessionId}/timeouts`, { script: SCRIPT_MILLISECONDS });
    const post = (/** @type {string} */ path, body = {}) => ask("POST", `/session/${sessionId}/${path}`, body);
    return new Browser(post, `${given.browserName} ${given.browserVersion}`, async () => {
      await ask("DELETE", `/session/${sessionId}`).catch(() => {}); // this may also end the driver
      driver.kill();
    });
  } catch (error) {
    driver.kill();
    throw error;
  }
}

/** A browser with one page. */
export class Browser {
  #post;

  /** @param {(path: string, body?: object) => Promise<any>} post @param {string} version @param {() => Promise<void>} close */
  constructor(post, version, close) {
    this.#post = post;
    this.version = version;
    this.close = close;
  }

  /** @param {string} url */
  async goTo(url) {
    await this.#post("url", { url });
    await this.run(noteErrors);
  }

  /** Leaves the page and comes back: Firefox's own reload command bypasses the service worker. */
  async reload() {
    const url = await this.run(() => location.href);
    await this.#post("url", { url: "about:blank" });
    await this.goTo(url);
  }

  /** Uncaught errors in the page since it was loaded. */
  errors() {
    return this.run(() => document.documentElement.dataset.errors ?? "");
  }

  /**
   * The result of a function in the page, or of its promise.
   *
   * @template {any[]} A @template T
   * @param {(...args: A) => T} call @param {A} args
   * @returns {Promise<Awaited<T>>}
   */
  async run(call, ...args) {
    const script = `const done = arguments[arguments.length - 1];
      Promise.resolve().then(() => (${call})(...[...arguments].slice(0, -1)))
        .then((value) => done({ value }), (error) => done({ error: String(error?.stack ?? error) }));`;
    const { value, error } = await this.#post("execute/async", { script, args });
    if (error) throw new Error(`in the page: ${error}`);
    return value;
  }

  /**
   * Waits until the function returns something truthy in the page, and returns it.
   *
   * @template {any[]} A @template T
   * @param {string} what description for people
   * @param {number} seconds
   * @param {(...args: A) => T} call @param {A} args
   */
  async until(what, seconds, call, ...args) {
    for (const end = Date.now() + seconds * 1000; ; await pause(100)) {
      const value = await this.run(call, ...args);
      if (value) return value;
      if (Date.now() > end) {
        const shows = await this.run(() => document.body.innerText);
        throw new Error(`waited ${seconds} s for: ${what}. ${await this.errors()}\nThe page shows:\n${shows}`);
      }
    }
  }

  /**
   * Waits for a visible element with this text.
   *
   * @param {string} selector @param {string} [text] @param {number} [seconds]
   */
  see(selector, text = "", seconds = 60) {
    return this.until(`${selector} ${text}`, seconds, find, selector, text);
  }

  /**
   * Clicks on the first such visible element like a mouse, once it neither moves nor is covered.
   *
   * @param {string} selector @param {string} [text]
   */
  async click(selector, text) {
    for (const end = Date.now() + 10_000; ; await pause(100)) {
      const element = await this.see(selector, text);
      await this.run((element) => element.scrollIntoView({ block: "center" }), element);
      try {
        return await this.#post(`element/${element[ELEMENT]}/click`);
      } catch (error) {
        if (!/^(element not interactable|element click intercepted|stale)/.test(error.message)) throw error;
        if (Date.now() > end) throw error;
      }
    }
  }

  /** Gives a file input, hidden or not, these files. @param {string} selector @param {string[]} paths */
  async choose(selector, paths) {
    const element = await this.#post("element", { using: "css selector", value: selector });
    await this.#post(`element/${element[ELEMENT]}/value`, { text: paths.join("\n") });
  }
}

/** In the page: records errors for our other scripts. */
function noteErrors() {
  const { dataset } = document.documentElement;
  const note = (/** @type {string} */ text) => (dataset.errors = `${dataset.errors ?? ""}${text}\n`);
  addEventListener("error", ({ message, filename }) => note(`${message} ${filename}`));
  addEventListener("unhandledrejection", ({ reason }) => note(`${reason} ${reason?.stack ?? ""}`));
}

/** In the page: the first such visible element. @param {string} selector @param {string} text @returns {any} */
function find(selector, text) {
  return [...document.querySelectorAll(selector)].find(
    (element) => element.checkVisibility() && element.textContent?.replaceAll("\u00a0", " ").includes(text),
  );
}
