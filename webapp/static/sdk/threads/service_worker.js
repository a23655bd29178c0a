/**
 * Sends what a closed page has left in its outbox, and shows the threads' page without a network. It reads no plaintext:
 * what it sends was encrypted before, and its credentials are the push pass's cookie.
 * @module
 */

import { ThreadsClient } from "./client.js";
import { DATABASE_PREFIX, ThreadsDatabase } from "./database.js";
import { Outbox } from "./outbox.js";
import { Pace } from "./pace.js";
import { flushUnderLock } from "./push_round.js";

const worker = /** @type {any} */ (globalThis);
const SHELL = "welno-threads-shell-v1";
const PAGE = "/threads";
// Its Worker asks for its script below it, and for all that this imports by this service worker.
const WORKER = "/threads/crypto_worker.js";
const STATIC = "/static/";
const VERSIONED = /\/static\/(?:vendor\/)?([0-9a-f]{16})\//g;
const FLUSH = "threads-flush";
const REFUSED_MILLISECONDS = 60_000;

class RefusedError extends Error {}

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(keepShell()));
worker.addEventListener("activate", (/** @type {any} */ event) =>
  event.waitUntil(Promise.all([worker.clients.claim(), forgetOtherVersions()])),
);
worker.addEventListener("message", (/** @type {MessageEvent} */ { data }) => data === "skip-waiting" && worker.skipWaiting());
worker.addEventListener("sync", (/** @type {any} */ event) => {
  if (event.tag === FLUSH) event.waitUntil(flushAll());
});
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== worker.location.origin) return;
  const isPage = mode === "navigate" && pathname === PAGE;
  if (isPage || pathname === WORKER || pathname.startsWith(STATIC)) event.respondWith(answer(event.request));
});

/** The page with all that its frame names. What cannot be had now is kept when it is first asked for. */
async function keepShell() {
  const cache = await caches.open(SHELL);
  const page = await fetch(PAGE, { cache: "no-cache" });
  if (!page.ok) throw new Error(`the page answers ${page.status}`); // installed when it is asked for again
  const named = [...(await page.clone().text()).matchAll(/"(\/static\/[^"]+)"/g)].map(([, address]) => address);
  await cache.put(PAGE, page);
  await Promise.allSettled([WORKER, ...new Set(named)].map((address) => cache.add(address)));
}

/** Files of versions other than the kept page's: nothing asks for them any more. */
async function forgetOtherVersions() {
  const cache = await caches.open(SHELL);
  const page = await cache.match(PAGE);
  const versions = new Set([...((await page?.text()) ?? "").matchAll(VERSIONED)].map(([, version]) => version));
  const kept = /** @type {Request[]} */ (await cache.keys());
  const others = kept.filter(({ url }) => {
    const [[, version] = []] = new URL(url).pathname.matchAll(VERSIONED);
    return version && !versions.has(version);
  });
  await Promise.all(others.map((request) => cache.delete(request)));
}

/** From the network; what was kept answers only without one. @param {Request} request @returns {Promise<Response>} */
async function answer(request) {
  try {
    const reply = await fetch(request);
    if (reply.ok) await (await caches.open(SHELL)).put(new URL(request.url).pathname, reply.clone());
    return reply;
  } catch (error) {
    const kept = await caches.match(new URL(request.url).pathname);
    if (kept) return kept;
    throw error;
  }
}

/** Of whoever used this browser. It rejects when something is left, so that the browser asks again. */
async function flushAll() {
  const databases = await indexedDB.databases();
  const names = databases.map(({ name = "" }) => name).filter((name) => name.startsWith(DATABASE_PREFIX));
  const flushed = await Promise.all(names.map(flushOne));
  if (!flushed.every(Boolean)) throw new Error("envelopes are left");
}

/** @param {string} name @returns {Promise<boolean>} whether nothing waits any more */
async function flushOne(name) {
  const database = new ThreadsDatabase(name);
  const outbox = new Outbox(database);
  // The pass is of one device: what it may not send, or what a refusal means, is left for the page to see.
  const onRejected = async (/** @type {{dedupeId: string}} */ { dedupeId }) => {
    await outbox.release([dedupeId], REFUSED_MILLISECONDS);
    throw new RefusedError(); // else it would be taken again at once
  };
  try {
    // The network is back: what failures have put off goes now.
    const pushing = { outbox, client: new ThreadsClient(), pace: new Pace(), onRejected };
    await flushUnderLock(name, pushing, { isEarly: true });
    return (await outbox.count()) === 0;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return false;
  } finally {
    await database.close();
    new BroadcastChannel(`welno.threads.outbox:${name}`).postMessage("changed");
  }
}
