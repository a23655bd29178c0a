/**
 * Shows the notifications of a call, which a page in the background may not do itself on Android. It keeps no file and
 * answers no request.
 * @module
 */

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(showPage());
});

async function showPage() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = pages.find(({ url }) => new URL(url).pathname === "/journey");
  return open ? open.focus() : self.clients.openWindow("/journey");
}
