/**
 * What the server has acknowledged, until it comes back as an item: only then is it seen that the server has it. Outbox and
 * inbox change it within their transactions.
 * @module
 */

import { keysBetween, settled } from "../core/storage.js";

const ACKED = "acked"; // in `meta`, by thread, number and dedupeId: versions before this one never look there
/** Why one is back among the dead: in its place of the thread stands another item. */
export const NOT_KEPT = "NOT_KEPT";

/** @typedef {import("./database.js").Stores} Stores */
/** @typedef {import("./outbox.js").OutboxRow} OutboxRow */

/** Where they are. @param {string} threadId */
export const ackedOf = (threadId) => keysBetween([ACKED, threadId], [ACKED, threadId, []]);

/** Unless its item has come already. @param {Pick<Stores, "meta"|"inbox">} stores @param {OutboxRow} row
 * @param {number} seq as the server has numbered it */
export async function keepAcked({ meta, inbox }, row, seq) {
  const place = await settled(meta.get(`place:${row.threadId}`));
  const come = place ? await settled(inbox.index("byDedupeId").count([row.threadId, place.epoch, row.dedupeId])) : 0;
  if (come === 0) meta.put(row, [ACKED, row.threadId, seq, row.dedupeId]);
}

/** Back in the queue, to be sent once more: of what it has the server makes a duplicate.
 * @param {Pick<Stores, "meta"|"outbox">} stores @param {string} threadId @param {(row: OutboxRow) => boolean} [isWanted]
 * @returns {Promise<number>} how many */
export async function requeueAcked({ meta, outbox }, threadId, isWanted = () => true) {
  let count = 0;
  for (const key of await settled(meta.getAllKeys(ackedOf(threadId)))) {
    const row = await settled(meta.get(key));
    if (!isWanted(row)) continue;
    meta.delete(key);
    outbox.put({ ...row, state: "queued", code: null, nextAt: 0, leaseUntil: 0 });
    count += 1;
  }
  return count;
}

/** Of these numbers no item comes any more: what the server says to have had is settled, and what it does not have is dead.
 * @param {Pick<Stores, "meta"|"outbox">} stores @param {string} threadId
 * @param {{from: number, to: number, reason: "trimmed"|"missing"}} gap */
export async function settleAckedGap({ meta, outbox }, threadId, { from, to, reason }) {
  for (const key of /** @type {any[]} */ (await settled(meta.getAllKeys(ackedOf(threadId))))) {
    if (key[2] < from || key[2] > to) continue;
    const row = await settled(meta.get(key));
    meta.delete(key);
    if (reason === "missing") outbox.put({ ...row, state: "dead", code: NOT_KEPT });
  }
}

/** The next item is here: the message that it is waits no more. One in whose place another stands the server has not kept:
 * it is dead until its person decides. @param {Pick<Stores, "meta"|"outbox">} stores
 * @param {{threadId: string, seq: number, envelope?: import("./texts.js").Envelope|null}} item */
export async function settleAcked({ meta, outbox }, { threadId, seq, envelope }) {
  const isIt = (/** @type {OutboxRow|undefined} */ row) =>
    row?.dedupeId === envelope?.dedupeId && row?.envelope.sig === envelope?.sig;
  for (const key of /** @type {any[]} */ (await settled(meta.getAllKeys(ackedOf(threadId))))) {
    const [, , number, dedupeId] = key;
    if (number !== seq && dedupeId !== envelope?.dedupeId) continue;
    const row = await settled(meta.get(key));
    meta.delete(key);
    if (!isIt(row)) outbox.put({ ...row, state: "dead", code: NOT_KEPT });
  }
  if (!envelope) return;
  const found = await settled(outbox.get(envelope.dedupeId));
  if (found?.code === NOT_KEPT && isIt(found)) outbox.delete(found.dedupeId); // under another number, as after a restore
}
