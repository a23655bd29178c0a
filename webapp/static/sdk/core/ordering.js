/**
 * What to do with one numbered event: pure decisions of the stream.
 * @module
 */

/** @typedef {{seq: number, epoch: string|null}} Cursor the last event that was delivered */
/** @typedef {"next"|"duplicate"|"gap"|"resync"} Order */

/**
 * @param {Cursor} cursor
 * @param {{seq: number, epoch?: string|null}} event
 * @returns {Order} `gap`: events between are missing; `resync`: the cursor counts in another epoch
 */
export function checkOrder(cursor, event) {
  if (cursor.epoch && event.epoch && event.epoch !== cursor.epoch) return "resync";
  if (event.seq <= cursor.seq) return "duplicate";
  return event.seq === cursor.seq + 1 ? "next" : "gap";
}

/** Whether another reader has seen what this one has not, or counts in another epoch.
 * @param {Cursor} cursor @param {Cursor} other */
export function isBehind(cursor, other) {
  if (cursor.epoch && other.epoch !== null && other.epoch !== cursor.epoch) return true;
  return other.seq > cursor.seq;
}
