/**
 * Stands between the page and its host: gives the page the isolation headers where the host cannot, and keeps what the
 * page has used for when there is no network.
 *
 * Files are kept under their path and the hash that files.js gives, and only if their bytes have it: so what is kept is
 * whole, and files of two builds lie side by side. As a page loads they never mix: what is kept answers only once the
 * build's program is all here, and a new build is fetched as a whole before it takes over, which it does when the person says
 * so or has closed the page. What files.js does not name is none of our business, but for data/.
 */
importScripts("./files.js");

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const SCOPE = worker.registration.scope;
/** All folders of a host share its caches. */
const CACHE = `mobilenetv2-lab ${SCOPE}`;
/** Kept once the page has used them; everything else is the program, and kept as a whole. */
const AS_USED = ["pkg/", "weights/", "samples/"];
/** Where there is no build, as in a folder that someone works in, nothing is kept. */
const BUILT = Object.keys(FILES).length > 0;
/** An empty file, kept where this build's program is all here. */
const WHOLE = `${SCOPE}whole?${Object.values(FILES).join("")}`;
/** A data set lies here without being part of a build, and may change. */
const DATA = "data/";
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

worker.oninstall = (event) => {
  const atOnce = !worker.registration.active || !BUILT;
  event.waitUntil(atOnce ? worker.skipWaiting() : renew());
};

worker.onactivate = (event) => event.waitUntil(Promise.all([removeOld(), worker.clients.claim()]));

/** The page asks to keep what it has used, and is told whether all of it is here; or to have this build take over. */
worker.onmessage = (event) => {
  const { keep, takeOver } = /** @type {{keep?: string[], takeOver?: boolean}} */ (event.data);
  if (takeOver) event.waitUntil(worker.skipWaiting());
  if (keep) {
    const answer = (/** @type {boolean} */ kept) => event.ports[0].postMessage(kept);
    event.waitUntil(
      keepAll(keep).then(answer, (error) => {
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
  if (method === "GET" && Object.hasOwn(FILES, path)) event.respondWith(answer(event, path));
  else if (path.startsWith(DATA) && ["GET", "HEAD"].includes(method)) event.respondWith(answerData(event));
};

/** The path below the scope; null elsewhere. @param {string} url */
function pathOf(url) {
  const { href, origin, pathname } = new URL(url);
  if (!href.startsWith(SCOPE)) return null;
  return (origin + pathname).slice(SCOPE.length) || "index.html";
}

/** Where a file is kept. @param {string} path */
const keyOf = (path) => `${SCOPE}${path}?${FILES[path]}`;

/** @param {FetchEvent} event @param {string} path */
async function answer(event, path) {
  const cache = await openCache();
  const whole = await cache?.match(WHOLE);
  const kept = whole && (await cache?.match(keyOf(path)));
  if (kept) return kept;
  const response = await fetch(event.request, { cache: "no-cache" }); // or a file may be the last build's
  if (response.status !== 200) return response;
  // kept or not, the page has its answer
  if (cache && whole) event.waitUntil(keep(cache, path, response.clone()).catch(() => {}));
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(response.body, { headers });
}

/** Where the browser's cache fails, it is as if nothing were kept: the host has the page. */
const openCache = () =>
  caches.open(CACHE).catch((error) => {
    console.warn("what is kept cannot be read:", error);
    return null;
  });

/** Asks the host first, as its data may have changed; what was kept answers without a network. @param {FetchEvent} event */
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
 * Keeps a file that has arrived whole.
 *
 * @param {Cache} cache @param {string} path @param {Response} response
 * @throws where the connection broke, the bytes are not the build's, or there is no room
 */
async function keep(cache, path, response) {
  const bytes = await response.arrayBuffer();
  const hash = await hashOf(bytes);
  if (hash !== FILES[path]) throw new Error(`${path} is not of this build: its hash is ${hash}, not ${FILES[path]}`);
  const headers = {
    "Content-Type": response.headers.get("content-type") ?? "",
    "Content-Length": String(bytes.byteLength),
    ...ISOLATION,
  };
  await cache.put(keyOf(path), new Response(bytes, { headers }));
}

/**
 * Keeps a file of which only the length is known.
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

/** As files.js has it: the first 16 hexadecimal digits of SHA-256. @param {ArrayBuffer} bytes */
async function hashOf(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Keeps all that the page needs, and of what is kept as it is used, what begins so. Whether that is anything.
 *
 * @param {string[]} used paths or beginnings of paths
 */
async function keepAll(used) {
  const cache = await caches.open(CACHE);
  const wanted = Object.keys(FILES).filter(
    (path) => !AS_USED.some((folder) => path.startsWith(folder)) || used.some((start) => path.startsWith(start)),
  );
  const get = async (/** @type {string} */ path) => {
    if (await cache.match(keyOf(path))) return;
    const response = await fetch(SCOPE + path, { cache: "no-cache" });
    if (response.status !== 200) throw new Error(`${path}: status ${response.status}`);
    await keep(cache, path, response);
  };
  await Promise.all(wanted.map(get));
  if (BUILT) await cache.put(WHOLE, new Response());
  return BUILT;
}

/** Fetches what this build has of all that the page has used so far. */
async function renew() {
  const cache = await caches.open(CACHE);
  await keepAll((await cache.keys()).map(({ url }) => pathOf(url) ?? ""));
}

/** Removes what only an older build had. */
async function removeOld() {
  const cache = await caches.open(CACHE);
  const current = new Set([WHOLE, ...Object.keys(FILES).map(keyOf)]);
  const old = (await cache.keys()).filter(({ url }) => !current.has(url) && !pathOf(url)?.startsWith(DATA));
  await Promise.all(old.map((request) => cache.delete(request)));
}
