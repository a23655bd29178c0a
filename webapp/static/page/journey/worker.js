/**
 * Shows the notifications of a call: those of a page in the background, which may not do it itself on Android, and those
 * that a push service brings while no page is open. It keeps no file and answers no request.
 * @module
 */

// The page's, for its own call. What is pushed of another line has another tag, and hides no call.
const NOTICE_TAG = "welno-call";
const CALLS = ["patient_called", "call_repeated"];
// What cannot be read is shown all the same: a browser takes the subscription of a page that shows nothing.
const UNREAD = { kind: "", body: "진료 순서를 확인해 주세요." };

const PUSHED = "welno.journey.pushed";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("push", (event) => event.waitUntil(showPushed(readMessage(event.data))));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(showPage());
});

function readMessage(data) {
  try {
    return { ...UNREAD, ...data.json() };
  } catch {
    return UNREAD;
  }
}

/** In the place of what was shown of the same line before: a call that was withdrawn is shown no longer. Pages that are
 * open are told, as they know whether it is still so. */
async function showPushed({ kind, body, queue_id }) {
  await self.registration.showNotification(body, {
    body: "눌러서 확인해 주세요.",
    icon: "/static/page/journey/call_icon.svg",
    lang: "ko",
    renotify: true,
    requireInteraction: CALLS.includes(kind),
    tag: queue_id ? `${NOTICE_TAG}-${queue_id}` : NOTICE_TAG,
    vibrate: [800, 300, 800],
  });
  for (const page of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) page.postMessage(PUSHED);
}

async function showPage() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = pages.find(({ url }) => new URL(url).pathname === "/journey");
  return open ? open.focus() : self.clients.openWindow("/journey");
}
