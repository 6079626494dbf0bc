// Keeps the page of the emergency copy: what the network does not answer in time comes from what was kept. It keeps no data of anybody.
const KEPT = "helhed-emergency-1";
const PATIENCE = 3000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname;
  if (request.method !== "GET" || !(path.startsWith("/static/") || path === "/hospital/noedkopi/aaben")) return;
  event.respondWith(answered(request));
});

async function answered(request) {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    const cache = await caches.open(KEPT);
    const found = await cache.match(request, { ignoreVary: true });
    if (found) return found;
    throw error;
  }
}
