/**
 * One push of what waits: taken from the outbox, sent, and taken out as it was answered. Pages and the service worker
 * share it.
 * @module
 */

import { underLock } from "../core/locks.js";

const MOST_BYTES = 900 * 1024; // a body has at most 1 MiB
const MOST_MILLISECONDS = 60_000;
// What whoever else is signed in at this browser by now hears of a member's envelopes, too.
const OF_OTHERS = new Set(["THREAD_NOT_FOUND", "FORBIDDEN", "UNKNOWN_DEVICE"]);

/** @typedef {import("./outbox.js").OutboxRow} OutboxRow */
/** @typedef {import("./client.js").PushResult} PushResult */
/** `isDone`: nothing is left that may be sent now; else the next one has to wait so long.
 * @typedef {{isDone: boolean, waitMilliseconds: number, error: any}} Flushed */
/** `requireMember` rejects with a WelnoError where it is not the outbox's member whom the server knows.
 * `prepare`, under the lock: what waits for another key.
 * @typedef {{outbox: import("./outbox.js").Outbox, client: Pick<import("./client.js").ThreadsClient, "pushBatch">,
 *   pace: import("./pace.js").Pace, onRejected: (row: OutboxRow, result: PushResult) => Promise<void>,
 *   prepare?: () => Promise<void>, requireMember?: () => Promise<void>,
 *   onAcked?: (row: OutboxRow, result: PushResult) => void}} Pushing */

/**
 * Push after push, until nothing is left, one fails, the server asks to wait, or a minute has passed. The lock keeps
 * other tabs from sending the same meanwhile; whoever holds it for longer than a flush takes is frozen, and loses it.
 * Sending twice is harmless.
 * @param {string} name the database's `scope` @param {Pushing} pushing @param {{isEarly?: boolean}} [how] @returns {Promise<Flushed>}
 */
export function flushUnderLock(name, pushing, how = {}) {
  return underLock(`welno.threads.flush:${name}`, () => flushOutbox(pushing, how), { patienceMilliseconds: MOST_MILLISECONDS });
}

/** @param {Pushing} pushing @param {{isEarly?: boolean}} how @returns {Promise<Flushed>} */
async function flushOutbox(pushing, { isEarly = false }) {
  const until = Date.now() + MOST_MILLISECONDS;
  await pushing.prepare?.();
  while (Date.now() < until) {
    const rows = await pushing.outbox.queueTake({ most: pushing.pace.size, mostBytes: MOST_BYTES, isEarly });
    if (rows.length === 0) return { isDone: true, waitMilliseconds: 0, error: null };
    const { error, waitMilliseconds } = await pushRows(pushing, rows);
    if (error || waitMilliseconds > 0) return { isDone: false, waitMilliseconds, error };
  }
  return { isDone: false, waitMilliseconds: 0, error: null };
}

/** @param {Pushing} pushing @param {OutboxRow[]} rows */
async function pushRows(pushing, rows) {
  const ids = rows.map(({ dedupeId }) => dedupeId);
  let answer;
  try {
    answer = await pushing.client.pushBatch(rows.map(({ envelope }) => envelope));
  } catch (/** @type {any} */ error) {
    if (error.status === undefined) throw error;
    if (error.status === 413 && rows.length === 1) {
      const [row] = rows;
      await pushing.onRejected(row, { dedupeId: row.dedupeId, threadId: row.threadId, status: "rejected", code: "TOO_LARGE" });
      return { error: null, waitMilliseconds: 0 };
    }
    const waitMilliseconds = pushing.pace.fail(error);
    await pushing.outbox.release(ids, waitMilliseconds);
    return { error: error.status === 413 ? null : error, waitMilliseconds };
  }
  try {
    await takeResults(pushing, rows, answer.results);
  } catch (/** @type {any} */ error) {
    // A newer key could not be asked for just now, or somebody else was asked for. What was acknowledged is gone; the rest
    // was never accepted, and waits.
    if (error.status === undefined) throw error;
    const waitMilliseconds = pushing.pace.fail(error);
    await pushing.outbox.release(ids, waitMilliseconds);
    return { error, waitMilliseconds };
  }
  return { error: null, waitMilliseconds: pushing.pace.note(answer.backpressure) };
}

/** Results come in the order of the envelopes. @param {Pushing} pushing @param {OutboxRow[]} rows
 * @param {PushResult[]} results */
async function takeResults({ outbox, onAcked, onRejected, requireMember }, rows, results) {
  const isAcked = (/** @type {number} */ at) => results[at]?.dedupeId === rows[at].dedupeId && results[at].status !== "rejected";
  await outbox.acknowledge(rows.flatMap(({ dedupeId }, at) => (isAcked(at) ? [{ dedupeId, seq: results[at].seq }] : [])));
  for (const [at, row] of rows.entries()) if (isAcked(at)) onAcked?.(row, results[at]);
  if (results.some(({ status, code = "" }) => status === "rejected" && OF_OTHERS.has(code))) await requireMember?.();
  for (const [at, row] of rows.entries()) {
    if (isAcked(at)) continue;
    if (results[at]?.dedupeId === row.dedupeId) await onRejected(row, results[at]);
    else await outbox.release([row.dedupeId]); // an answer that says nothing of it
  }
}
