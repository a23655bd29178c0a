/**
 * Under which keys nothing may be sent: their numbers are other keys by now, as after a restore of the server, or may be,
 * until its keys were read. Whoever sends, the service worker too, reads it in the transaction that takes what waits.
 * @module
 */

import { settled } from "../core/storage.js";

const HELD = "heldKeys"; // in `meta`

/** Of one thread. `kids`: null for all, until the keys were read in the server's new `epoch`; `code` why those of `kids` are
 * not believed, as they were opened here. @typedef {{kids: string[]|null, code: string|null, epoch: string}} Held */

/** Within a transaction. @param {IDBObjectStore} meta @returns {Promise<Record<string, Held>>} by thread */
export async function readHeld(meta) {
  return (await settled(meta.get(HELD))) ?? {};
}

/** Within a transaction. What was read before the epoch changed lets nothing of it go.
 * @param {IDBObjectStore} meta @param {string} threadId @param {Held} held no `kids`: none */
export async function noteHeld(meta, threadId, held) {
  const { [threadId]: before, ...others } = await readHeld(meta);
  if (held.kids && before?.kids === null && before.epoch !== held.epoch) return;
  if (before || held.kids?.length !== 0) meta.put(held.kids?.length === 0 ? others : { ...others, [threadId]: held }, HELD);
}

/** Whether an envelope under this key has to wait. @param {Record<string, Held>} all @param {string} threadId
 * @param {string} kid */
export function isHeld(all, threadId, kid) {
  const held = all[threadId];
  return held !== undefined && (held.kids === null || held.kids.includes(kid));
}
