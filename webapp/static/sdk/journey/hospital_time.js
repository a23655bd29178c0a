/**
 * The hospital's time zone, as its server tells it: one for all of a page.
 * @module
 */

let zone = "Asia/Seoul";

/** Until it is told, and where a browser does not know it, the one before counts. @param {string} [name] by IANA */
export function useTimeZone(name) {
  try {
    zone = new Intl.DateTimeFormat("ko-KR", { timeZone: name ?? zone }).resolvedOptions().timeZone;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

export const timeZone = () => zone;
