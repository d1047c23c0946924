// Keeps the app in the browser, so that it opens without a connection. It keeps nothing of the API: tasks are in the replica.

const CACHE = "tandem-app";
const PAGE = "/app";
/** How long the server may take before the page is the one that was kept, in milliseconds. */
const TIMEOUT = 3_000;
/** What the page loads. build.js fills it in, so that each build is another worker. */
const ASSETS = APP_ASSETS;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([PAGE, ...ASSETS])));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([self.clients.claim(), forgetEarlierBuilds()]));
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (origin !== self.location.origin) return;
  if (event.request.mode === "navigate" && pathname === PAGE) event.respondWith(page(event.request));
  if (ASSETS.includes(pathname)) event.respondWith(asset(event.request));
});

const forgetEarlierBuilds = async () => {
  const cache = await caches.open(CACHE);
  const isOld = ({ url }) => ![PAGE, ...ASSETS].includes(new URL(url).pathname);
  await Promise.all((await cache.keys()).filter(isOld).map((request) => cache.delete(request)));
};

/** The server's page if it answers, as it says how users sign in now. */
const page = async (request) => {
  const cache = await caches.open(CACHE);
  const answer = await fetch(request, { signal: AbortSignal.timeout(TIMEOUT) }).catch(() => Response.error());
  if (answer.ok) await cache.put(PAGE, answer.clone());
  const isDown = answer.type === "error" || answer.status >= 500;
  return (isDown && (await cache.match(PAGE, { ignoreVary: true }))) || answer;
};

/** What has a hash in its name is the same for every origin. */
const asset = async (request) => (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
