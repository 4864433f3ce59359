/**
 * Sits between the page and its host: adds headers that the host cannot send, and keeps what the page has used for
 * offline use.
 *
 * A build's files lie in a folder named after their hash, so every request says which build it belongs to: builds of
 * two tabs never mix, nor those of a page and its host. Contents are stored under their hash, which files.js lists, and
 * only if they match it: so what is stored is complete, and shared contents are stored once. The documents, whose
 * addresses are fixed, come from the store once the build is complete there. A new build is fetched as a whole before
 * it takes over, which happens when the person agrees or has closed the page. Files that files.js does not list are
 * ignored, except for the folders of builds and data/.
 */
importScripts("./files.js");

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const SCOPE = worker.registration.scope;
/** All folders of a host share its caches. */
const CACHE = `mobilenetv2-lab ${SCOPE}`;
/**
 * Folders of a build whose files are kept once the page has used them; everything else is the program, and kept as a
 * whole.
 */
const AS_USED = ["engine/pkg/", "weights/", "samples/"];
/** Folders whose downloads show progress. */
const WATCHED = ["weights/", "samples/"];
/** Without a build, as during development, nothing is kept. */
const BUILT = BUILD !== "";
/** Data sets are not part of a build, and may change. */
const DATA = "data/";
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self' https:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
};
/** The status that download.js understands as another build on the host. */
const OTHER_BUILD = 409;

worker.oninstall = (event) => event.waitUntil(install());

worker.onactivate = (event) => {
  if (!BUILT) event.waitUntil(removeOld());
  // Nothing waits for this: Firefox asks each thread of the core as well, which never answer while the core works, and whatever
  // is fetched would wait for the end of the activation
  worker.clients.claim();
};

/**
 * A page asks which build this is; or asks to keep what it has used, and is told whether that is complete; or asks this
 * build to take over.
 */
worker.onmessage = (event) => {
  const { which, keep, takeOver } = /** @type {{which?: true, keep?: string[], takeOver?: true}} */ (event.data);
  if (which) event.ports[0].postMessage(BUILD);
  if (takeOver) event.waitUntil(worker.skipWaiting());
  if (keep) {
    const answer = (/** @type {boolean} */ kept) => event.ports[0].postMessage(kept);
    event.waitUntil(
      keepFor(keep).then(answer, (error) => {
        console.warn("not ready for use without a network:", error);
        answer(false);
      }),
    );
  }
};

worker.onfetch = (event) => {
  const { method, headers, url } = event.request;
  const path = pathOf(url);
  if (!BUILT || path === null || headers.has("range")) return;
  if (method === "GET" && (Object.hasOwn(FILES, path) || buildOf(path))) event.respondWith(answer(event, path));
  else if (path.startsWith(DATA) && ["GET", "HEAD"].includes(method)) event.respondWith(answerData(event));
};

/** The path below the scope; null elsewhere. @param {string} url */
function pathOf(url) {
  const { href, origin, pathname } = new URL(url);
  if (!href.startsWith(SCOPE)) return null;
  return (origin + pathname).slice(SCOPE.length) || "index.html";
}

/** The build whose folder contains the path, if any. @param {string} path */
const buildOf = (path) => /^([0-9a-f]{16})\//.exec(path)?.[1];
/** The path within that folder. @param {string} path */
const within = (path) => path.replace(/^[0-9a-f]{16}\//, "");
/** @param {string} path @param {string[]} folders of a build */
const isIn = (path, folders) => folders.some((folder) => within(path).startsWith(folder));

/** Cache key of a content. @param {string} hash */
const keyOf = (hash) => `${SCOPE}?${hash}`;
/** Cache key of a build's list of files, stored once its program is complete. @param {string} build */
const listOf = (build) => `${SCOPE}${build}/`;

/** Lists that have been read. @type {Map<string, Record<string, string>>} */
const lists = new Map();

/**
 * The list of a build whose program is stored completely.
 *
 * @param {Cache | null} cache @param {string} build
 */
async function keptList(cache, build) {
  const list = lists.get(build) ?? (await (await cache?.match(listOf(build)))?.json());
  if (list) lists.set(build, list);
  return list;
}

/** @param {FetchEvent} event @param {string} path */
async function answer(event, path) {
  const cache = await openCache();
  const build = buildOf(path);
  const list = await keptList(cache, build ?? BUILD);
  // while this build is being stored, too, else what the page uses meanwhile would be missing later
  const hash = (list ?? (build === BUILD ? FILES : null))?.[path];
  const kept = hash && (await cache?.match(keyOf(hash)));
  if (kept) return kept;
  const response = await fetch(event.request, { cache: "no-cache" }); // without this a document may be the last build's
  if (response.status !== 200) return response;
  if (!cache || !hash) return withHeaders(response);
  const put = (/** @type {Response | null} */ whole) => whole && cache.put(keyOf(hash), whole);
  if (!list || isIn(path, WATCHED)) {
    event.waitUntil(verified(response.clone(), hash).then(put).catch(noRoom));
    return withHeaders(response);
  }
  const whole = await verified(response, hash);
  if (!whole) return new Response(null, { status: OTHER_BUILD, headers: HEADERS });
  event.waitUntil(put(whole.clone())?.catch(noRoom) ?? Promise.resolve());
  return whole;
}

/** The page gets its answer, stored or not. @param {unknown} error */
const noRoom = (error) => console.warn("not kept:", error);

/** @param {Response} response */
function withHeaders(response) {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(response.body, { headers });
}

/** If the browser's cache fails, nothing is kept: the host has the page. */
const openCache = () =>
  caches.open(CACHE).catch((error) => {
    console.warn("what is kept cannot be read:", error);
    return null;
  });

/** Asks the host first, as its data may have changed; offline, the stored answer is used. @param {FetchEvent} event */
async function answerData(event) {
  const { request } = event;
  const cache = await openCache();
  const kept = await cache?.match(request, { ignoreMethod: true });
  try {
    const response = await fetch(request);
    const tag = response.headers.get("etag");
    const known = tag && tag === kept?.headers.get("etag");
    if (cache && request.method === "GET" && response.status === 200 && !known) {
      event.waitUntil(keepData(cache, request.url, response.clone()).catch(() => {}));
    }
    return response;
  } catch (error) {
    if (!kept) throw error;
    return request.method === "HEAD" ? new Response(null, { headers: kept.headers }) : kept;
  }
}

/**
 * An answer whose bytes have all arrived, or null if they are not the build's.
 *
 * @param {Response} response @param {string} hash
 */
async function verified(response, hash) {
  const bytes = await response.arrayBuffer();
  if ((await hashOf(bytes)) !== hash) return null;
  const headers = {
    "Content-Type": response.headers.get("content-type") ?? "",
    "Content-Length": String(bytes.byteLength),
    ...HEADERS,
  };
  return new Response(bytes, { headers });
}

/**
 * Stores a file of which only the length is known.
 *
 * @param {Cache} cache @param {string} url @param {Response} response
 */
async function keepData(cache, url, response) {
  const { headers } = response;
  const bytes = await response.arrayBuffer();
  const length = headers.get("content-encoding") ? null : headers.get("content-length");
  if (length !== null && Number(length) !== bytes.byteLength) {
    throw new Error(`${url} has ${bytes.byteLength} of ${length} bytes`);
  }
  await cache.put(url, new Response(bytes, { headers }));
}

/** The hash as in files.js: the first 16 hexadecimal digits of SHA-256. @param {ArrayBuffer} bytes */
async function hashOf(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Keeps what a page of this build needs. Unless another page may show another build, takes over, and removes files that
 * only other builds have. Returns whether the page's build is this one, and complete.
 *
 * @param {string[]} used paths in a build, or prefixes of such
 */
async function keepFor(used) {
  if (!used.some((path) => buildOf(path) === BUILD)) return false;
  await keepAll(used);
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (pages.length === 1) {
    worker.skipWaiting();
    await removeOld();
  }
  return true;
}

/** Keeps all of the program and, of the files kept on use, those with these prefixes. @param {string[]} used */
async function keepAll(used) {
  const cache = await caches.open(CACHE);
  const wanted = Object.entries(FILES).filter(
    ([path]) => !isIn(path, AS_USED) || used.some((start) => path.startsWith(start)),
  );
  const get = async (/** @type {[string, string]} */ [path, hash]) => {
    if (await cache.match(keyOf(hash))) return;
    const response = await fetch(SCOPE + path, { cache: "no-cache" });
    if (response.status !== 200) throw new Error(`${path}: status ${response.status}`);
    const whole = await verified(response, hash);
    if (!whole) throw new Error(`${path} is not of this build`);
    await cache.put(keyOf(hash), whole);
  };
  await Promise.all(wanted.map(get));
  await cache.put(listOf(BUILD), Response.json(FILES));
}

/**
 * A first build takes over at once; a later one when it has everything that the page has used so far, and is asked to.
 * Without a complete build, a page of this one is being loaded, and waits forever for some files if the service worker
 * changes meanwhile (Chromium): it asks once it is loaded.
 */
async function install() {
  if (!BUILT || !worker.registration.active) return worker.skipWaiting();
  const cache = await openCache();
  const builds = cache ? await keptBuilds(cache) : [];
  if (!cache || !builds.length) return;
  const used = [];
  for (const [path, hash] of builds.flatMap((list) => Object.entries(list))) {
    if (isIn(path, AS_USED) && (await cache.match(keyOf(hash)))) used.push(`${BUILD}/${within(path)}`);
  }
  await keepAll(used);
}

/** Lists of the stored builds. @param {Cache} cache */
async function keptBuilds(cache) {
  const names = (await cache.keys()).map(({ url }) => /^([0-9a-f]{16})\/$/.exec(url.slice(SCOPE.length))?.[1] ?? []);
  return Promise.all(names.flat().map((name) => keptList(cache, name)));
}

/** Removes what only other builds have. */
async function removeOld() {
  const cache = await caches.open(CACHE);
  const current = new Set([listOf(BUILD), ...Object.values(FILES).map(keyOf)]);
  const old = (await cache.keys()).filter(({ url }) => !current.has(url) && !pathOf(url)?.startsWith(DATA));
  await Promise.all(old.map((request) => cache.delete(request)));
}
