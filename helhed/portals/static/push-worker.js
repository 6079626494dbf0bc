// Shows that there is a notice. What came says how many and where they are read, and nothing else; a new one takes the place of the last.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data.json();
  } catch {
    // what cannot be read is told of without a number
  }
  const shown = self.registration.showNotification("Helhed", {
    body: told.body || "Der er en ny besked. Log ind for at læse den.",
    tag: "helhed-notice",
    renotify: true,
    icon: "/static/mark.svg",
    data: { url: told.url || "/borger/beskeder" },
  });
  event.waitUntil(shown);
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = new URL(event.notification.data.url, self.location.origin);
  if (target.origin === self.location.origin) event.waitUntil(self.clients.openWindow(target.href));
});
