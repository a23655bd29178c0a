/**
 * What statuses, roles and faults are called on the members' pages, and how dates and sizes are written.
 * @module
 */

import { explain } from "../kit/error.js";

/** @type {Record<string, [name: string, tone: string]>} of the chip */
const STATUSES = {
  uploading: ["올리는 중", "watch"],
  processing: ["읽는 중", "watch"],
  analyzing: ["분석 중", "watch"],
  completed: ["분석 완료", "inside"],
  failed: ["분석 실패", "above"],
};
/** @type {Record<string, string>} */
const ROLES = { viewer: "보기", editor: "편집", admin: "관리" };
/** @type {Record<string, string>} by code */
const FAULTS = {
  NOT_CONFIGURED: "아직 준비되지 않은 기능이에요. 회사의 관리자에게 물어봐 주세요.",
  ANSWER_BROKEN_OFF: "대답이 중간에 끊겼어요. 다시 물어봐 주세요.",
  MISO_UNAVAILABLE: "지금은 대답을 받을 수 없어요. 잠시 뒤에 다시 물어봐 주세요.",
  MISO_TIMEOUT: "대답이 너무 오래 걸려요. 잠시 뒤에 다시 물어봐 주세요.",
  MISO_ANSWER_LOST: "대답이 중간에 끊겼어요. 다시 물어봐 주세요.",
  MISO_ANSWER_INVALID: "대답을 받지 못했어요. 다시 물어봐 주세요.",
  MISO_REJECTED: "대답을 받지 못했어요. 다르게 물어봐 주세요.",
  LOGIN_FAILED: "이메일이나 비밀번호가 맞지 않아요. 다시 확인해 주세요.",
  TOO_MANY_CHATS: "한꺼번에 너무 많이 물어봤어요.",
  ACCOUNT_NOT_FOUND: "같은 회사에 이 이메일을 쓰는 계정이 없어요.",
  LAST_ADMIN: "관리하는 사람이 한 명은 있어야 해요. 먼저 다른 구성원에게 관리 역할을 주세요.",
  HIGHLIGHT_NOT_FOUND: "이미 지운 하이라이트예요.",
  RATE_LIMITED: "로그인을 너무 많이 시도했어요.",
};

/** @param {string} status */
export const nameStatus = (status) => STATUSES[status]?.[0] ?? status;
/** @param {string} status */
export const toneOf = (status) => STATUSES[status]?.[1] ?? "";
/** Each with what it lets do. */
export const ROLE_TEXTS = /** @type {const} */ ([
  ["viewer", "보기: 읽고 찾고 받고 대화해요"],
  ["editor", "편집: 올리고 고치고 삭제도 해요"],
  ["admin", "관리: 구성원과 비용도 봐요"],
]);

/** @param {string} role */
export const nameRole = (role) => ROLES[role] ?? role;

/** What a failed call means: the fault of the field, where the server names one.
 * @param {import("../../sdk/core/errors.js").WelnoError} error */
export function explainTo(error) {
  const [faults] = Object.values(error.details ?? {});
  if (error.code === "VALIDATION_FAILED" && Array.isArray(faults) && faults.length) return String(faults[0]);
  return error.status !== 429 && FAULTS[error.code] ? FAULTS[error.code] : explain(error, FAULTS);
}

/** The same for the kit's `showError`. @param {import("../../sdk/core/errors.js").WelnoError} error */
export function troubleOf(error) {
  return { text: explainTo(error), reference: error.requestId };
}

const DAY = new Intl.DateTimeFormat("ko-KR", { year: "numeric", month: "long", day: "numeric", timeZone: "UTC" });

/** @param {string} day `yyyy-mm-dd` */
export const formatDay = (day) => DAY.format(new Date(`${day}T00:00:00Z`));

const MOMENT_DAY = new Intl.DateTimeFormat("ko-KR", { year: "numeric", month: "long", day: "numeric", timeZone: "Asia/Seoul" });

/** The day in Korea. @param {string} moment as the server tells it */
export const formatDayOf = (moment) => MOMENT_DAY.format(new Date(moment));

const MOMENT = new Intl.DateTimeFormat("ko-KR", { dateStyle: "long", timeStyle: "short", timeZone: "Asia/Seoul" });

/** Day and time in Korea. @param {string} moment */
export const formatMoment = (moment) => MOMENT.format(new Date(moment));

const COUNT = new Intl.NumberFormat("ko-KR");

/** @param {number} count */
export const formatCount = (count) => COUNT.format(count);

/** @param {number} seconds */
export function formatSpan(seconds) {
  const whole = Math.round(seconds);
  const parts = [[Math.floor(whole / 3600), "시간"], [Math.floor(whole / 60) % 60, "분"], [whole % 60, "초"]];
  return parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`).join(" ") || "0초";
}

/** @param {string} month `yyyy-MM` */
export const formatMonth = (month) => `${month.slice(0, 4)}년 ${Number(month.slice(5))}월`;

/** @param {number} bytes */
export function formatSize(bytes) {
  if (bytes < 1024) return `${bytes}B`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${Math.round(kib)}KB` : `${(kib / 1024).toFixed(1)}MB`;
}
