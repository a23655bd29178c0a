/**
 * Days and moments in words, as they are in Korea: pure.
 * @module
 */

const TIME_ZONE = "Asia/Seoul";
const MOMENT = new Intl.DateTimeFormat("ko-KR", { dateStyle: "long", timeStyle: "short", timeZone: TIME_ZONE });
const DAY = new Intl.DateTimeFormat("ko-KR", { dateStyle: "long", timeZone: TIME_ZONE });

/** @param {string} iso */
export const momentText = (iso) => MOMENT.format(new Date(iso));
/** @param {string} iso */
export const dayText = (iso) => DAY.format(new Date(iso));

/** What is left of a time, for a countdown. @param {number} seconds */
export function countdownText(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  return left < 60 ? `${left}초` : `${Math.floor(left / 60)}분 ${String(left % 60).padStart(2, "0")}초`;
}
