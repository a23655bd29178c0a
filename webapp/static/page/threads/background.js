/**
 * The service worker that sends what this page leaves, and the browser's word that it keeps what waits.
 * @module
 */

import { scriptUrl } from "../../sdk/core/script_urls.js";

const WORKER = "/sw.js";
const FLUSH = "threads-flush";
let isKept = /** @type {Promise<boolean>|null} */ (null);

/** A newer one takes over at once: it reads the same database. */
export async function registerWorker() {
  if (!navigator.serviceWorker) return;
  const registration = await navigator.serviceWorker.register(scriptUrl(WORKER), { type: "module", scope: "/threads" });
  registration.addEventListener("updatefound", () => {
    const { installing } = registration;
    installing?.addEventListener("statechange", () => {
      if (installing.state === "installed") installing.postMessage("skip-waiting");
    });
  });
}

/** A hint only: not every browser knows it, and none promises when. */
export async function askForSync() {
  const registration = await navigator.serviceWorker?.getRegistration("/threads");
  const { sync } = /** @type {any} */ (registration ?? {});
  await sync?.register(FLUSH).catch(() => {}); // not granted, or the page is in private mode
}

/** Asked for at the first message. @returns {Promise<boolean>} false: the browser may delete what waits */
export function keepStore() {
  isKept ??= (navigator.storage?.persist?.() ?? Promise.resolve(false)).catch(() => false);
  return isKept;
}
