/**
 * The hospital's time zone, as its server tells it: one for all of a page.
 * @module
 */

let told = /** @type {string|null} */ (null);
let kept = "Asia/Seoul";

/** As the server tells it. Where it tells none, or one that the browser does not know, the one before counts.
 * @param {string} [name] by IANA */
export function useTimeZone(name) {
  told = known(name) ?? told;
}

/** As it was told to this tab before: without a network nobody else tells it, and it may have changed since. It counts
 * until the server tells one. @param {string} [name] by IANA */
export function useKeptTimeZone(name) {
  kept = known(name) ?? kept;
}

export const timeZone = () => told ?? kept;

/** @param {string} [name] @returns {string|null} as the browser writes it */
function known(name) {
  if (!name) return null;
  try {
    return new Intl.DateTimeFormat("ko-KR", { timeZone: name }).resolvedOptions().timeZone;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return null;
  }
}
