/**
 * What a close code or an HTTP status means for a stream, and how long to wait before the next attempt: pure.
 * @module
 */

const FIRST_SECONDS = 5;
const LONGEST_SECONDS = 60;

/**
 * Seconds before reconnection number `attempt` (0, 1, 2 ...): 5, 10, 20, 40, 60, 60 ... and up to a quarter more, so
 * that browsers which lost the same server do not come back in step.
 * @param {number} attempt @param {() => number} [random] @param {number} [first] @param {number} [longest]
 */
export function reconnectSeconds(attempt, random = Math.random, first = FIRST_SECONDS, longest = LONGEST_SECONDS) {
  const plain = Math.min(longest, first * 2 ** attempt);
  return plain * (1 + random() / 4);
}

/** @typedef {{end: string|null, pause: number|null, delay: number|null}} CloseDecision */

/** @type {Record<number, string>} */
const ENDS = { 4401: "unauthenticated", 4403: "forbidden", 4404: "gone", 4408: "expired", 4410: "over" };
// The server asks these to stay away for longer than the first delay; the fallback goes on meanwhile.
/** @type {Record<number, number>} */
const PAUSE_SECONDS = { 1013: 10, 4429: 30 };

/**
 * @param {number} code @param {string} [reason] a process that stops names the delay, which spreads its browsers
 * @returns {CloseDecision} why the stream is over, the least pause, or the very delay to keep (both in seconds)
 */
export function judgeClose(code, reason = "") {
  const [, milliseconds] = reason.match(/"retry_after_ms":\s*(\d+)/) ?? [];
  const delay = milliseconds === undefined ? null : Number(milliseconds) / 1000;
  return { end: ENDS[code] ?? null, pause: PAUSE_SECONDS[code] ?? null, delay };
}

/** @type {Record<number, string>} */
const STATUS_ENDS = { 204: "over", 401: "unauthenticated", 403: "forbidden", 404: "gone", 410: "expired" };

/** Why an HTTP answer ends the stream, or null. @param {number} [status] @returns {string|null} */
export function judgeStatus(status = 0) {
  return STATUS_ENDS[status] ?? null;
}
