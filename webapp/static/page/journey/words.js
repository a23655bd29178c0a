/**
 * What the journey's pages say: short sentences, what to do before why. Pure.
 * @module
 */

import { timeZone } from "../../sdk/journey/hospital_time.js";
import { explain, withReference } from "../kit/error.js";

/** @typedef {import("../../sdk/core/errors.js").WelnoError} WelnoError */

/** Errors that have a sentence of their own here; the rest is the kit's. @type {Record<string|number, string>} */
const TEXTS = {
  0: "지금은 인터넷이 끊겨 있어요. 연결되면 다시 눌러 주세요.",
  401: "다시 접수해 주세요.",
  404: "찾지 못했어요. 창구에 말씀해 주세요.",
  409: "방금 상태가 바뀌었어요. 화면을 다시 확인해 주세요.",
};
const BY_CODE = /** @type {Record<string, string>} */ ({
  INVALID_ACTION: "지금은 할 수 없어요. 화면을 다시 확인해 주세요.",
  STATE_CONFLICT: "방금 상태가 바뀌었어요. 화면을 다시 확인해 주세요.",
  ALREADY_QUEUED: "이미 기다리고 있어요.",
  PATIENT_NOT_FOUND: "번호나 생년월일을 다시 확인해 주세요.",
  AMBIGUOUS_LOGIN: "이름도 적어 주세요.",
  TAG_NOT_FOUND: "태그를 알아보지 못했어요. 다시 한 번 대 주세요.",
  TAG_INACTIVE: "쓰지 않는 태그예요. 다른 태그에 대 주세요.",
  TAG_REPLAYED: "휴대폰을 태그에 다시 한 번 대 주세요.",
  SCAN_TOKEN_EXPIRED: "시간이 지났어요. 태그에 다시 대 주세요.",
  SCAN_TOKEN_INVALID: "태그에 다시 대 주세요.",
  SCAN_TOKEN_USED: "태그에 다시 대 주세요.",
  LOGIN_FAILED: "이름이나 비밀번호를 다시 확인해 주세요.",
  QUEUE_EMPTY: "부를 사람이 없어요.",
  NO_SHIFT: "먼저 방을 골라 주세요.",
  ROOM_TAKEN: "다른 직원이 쓰는 방이에요.",
  RECALL_TOO_SOON: "방금 불렀어요. 조금 뒤에 다시 불러 주세요.",
  QUEUE_NOT_FOUND: "대기 번호를 찾지 못했어요. 목록이 곧 바뀌어요.",
});
const NO_DELAYS_LEFT = "자리는 두 번까지만 비울 수 있어요. 더 필요하면 창구에 말씀해 주세요.";
const TAG_TROUBLES = /** @type {Record<string, string>} */ ({
  denied: "카메라나 태그 읽기가 막혀 있어요. 번호를 적어 주세요.",
  absent: "이 휴대폰으로는 읽을 수 없어요. 번호를 적어 주세요.",
  failed: "읽지 못했어요. 다시 한 번 대 주세요.",
});
const REASONS = /** @type {Record<string, string>} */ ({
  shortest_wait: "지금 덜 기다려요.",
  fasting: "빈속으로 먼저 받아요.",
  appointment_time: "예약한 시간이에요.",
  staff_order: "직원이 정한 순서예요.",
});
export const PRIORITY_REASONS = Object.freeze({
  urgent: "응급",
  elderly: "어르신",
  disabled: "장애",
  pregnant: "임신부",
  infant: "영유아",
  infection: "감염",
  returning: "재방문",
  other: "기타",
});
const QUEUE_STATES = /** @type {Record<string, string>} */ ({
  waiting: "대기 중",
  delayed: "자리 비움",
  called: "호출함",
  no_show: "부재",
  in_progress: "검사 중",
  completed: "완료",
  cancelled: "취소",
});

const JOURNEY_STATES = /** @type {Record<string, string>} */ ({
  UNREGISTERED: "접수 전",
  ARRIVED: "도착",
  REGISTERED: "접수함",
  WAITING: "대기 중",
  CALLED: "호출함",
  IN_PROGRESS: "검사 중",
  COMPLETED: "검사 끝남",
  PAYMENT: "수납 중",
  FINISHED: "수납 끝남",
});

/** Whether it was refused as they have stepped aside as often as they may in one visit. @param {any} error */
const hasNoDelaysLeft = (error) => error.details?.delays_left === 0;

/** The sentence for a failed call. @param {any} error @returns {string} */
export function explainError(error) {
  if (error.why !== undefined) return TAG_TROUBLES[error.why] ?? TAG_TROUBLES.failed;
  if (error.code === "OFFLINE") return error.message;
  if (hasNoDelaysLeft(error)) return NO_DELAYS_LEFT;
  return BY_CODE[error.code] ?? explain(error, TEXTS);
}

/** The same for a place that holds a text alone. @param {any} error @returns {string} */
export function faultText(error) {
  return withReference(explainError(error), error);
}

/** @param {any} error @returns {import("../kit/error.js").Trouble} */
export function troubleOf(error) {
  return { text: explainError(error), reference: error.requestId ?? null };
}

/** @param {string} state */
export const nameQueueState = (state) => QUEUE_STATES[state] ?? state;
/** @param {string} state */
export const nameJourneyState = (state) => JOURNEY_STATES[state] ?? state;
/** @param {string} because */
export const nameBecause = (because) => REASONS[because] ?? "";

/** "1층 채혈실", whichever way the room is told. @param {any} room */
export function roomText(room) {
  if (!room) return "";
  if (typeof room === "string") return room;
  return [floorText(room.floor), room.title ?? room.name ?? room.room_id].filter(Boolean).join(" ");
}

/** Basements have negative floors. @param {any} floor */
export function floorText(floor) {
  if (floor === undefined || floor === null || floor === "") return "";
  return Number(floor) < 0 ? `지하 ${-Number(floor)}층` : `${floor}층`;
}

/** @param {{state: string, ahead?: number}} entry */
export function aheadText({ state, ahead }) {
  if (state === "delayed") return "자리를 비웠어요";
  if (ahead === undefined || ahead === null) return "";
  return ahead === 0 ? "다음 차례예요" : `앞에 ${ahead}명`;
}

/** "약 15분 (10~25분)"; a wait of no time is "곧 불러 드려요". @param {any} entry */
export function waitText({ estimate, estimated_wait_time }) {
  const minutes = estimate?.minutes ?? estimated_wait_time;
  if (minutes === undefined || minutes === null) return "";
  if (minutes <= 0) return "곧 불러 드려요";
  const { low, high } = estimate ?? {};
  return low === undefined || high === undefined || low === high
    ? `약 ${minutes}분`
    : `약 ${minutes}분 (${low}~${high}분)`;
}

/** @param {any} minutes of an itinerary's stop */
export function stopWaitText(minutes) {
  if (minutes === undefined || minutes === null) return "";
  return minutes <= 0 ? "바로 받을 수 있어요" : `약 ${minutes}분 기다려요`;
}

/** With the particle that fits: "로" after a vowel or ㄹ, else "으로". @param {string} place */
export function towards(place) {
  const last = place.codePointAt(place.length - 1) ?? 0;
  if (last < 0xac00 || last > 0xd7a3) return `${place}(으)로`;
  const final = (last - 0xac00) % 28;
  return final === 0 || final === 8 ? `${place}로` : `${place}으로`;
}

/** What is cried out at a call. @param {any} call */
export function callSentence({ room, exam_name }) {
  const place = roomText(room) || exam_name || "검사실";
  return `지금 ${towards(place)} 오세요`;
}

/** What pressing the button does. @param {boolean} isPushed also while the page is closed */
export function soundText(isPushed) {
  if (!("Notification" in globalThis)) return "화면을 켜 두면 소리로 불러 드려요. 아이폰은 홈 화면에 추가해 주세요.";
  if (!isPushed) return "차례가 되면 소리로 불러 드려요.";
  return "차례가 되면 소리로 불러 드려요. 화면을 닫아도 브라우저 회사의 알림 서비스로 알려 드려요. 내용은 이 휴대폰만 읽어요.";
}

/** @param {number|null} minutes how old what is shown is */
export function staleText(minutes) {
  if (minutes === null) return "연결이 끊겼어요. 다시 연결하고 있어요.";
  return minutes < 1 ? "연결이 끊겼어요 · 방금 전 정보예요" : `연결이 끊겼어요 · ${minutes}분 전 정보예요`;
}

/** "14:03" in the hospital. @param {string|number|Date} moment */
export function clockText(moment) {
  const at = new Date(moment);
  if (Number.isNaN(at.getTime())) return "";
  return new Intl.DateTimeFormat("ko-KR", {
    timeZone: timeZone(),
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(at);
}

/** Whole minutes since then. @param {string} moment @param {number} now */
export function minutesSince(moment, now) {
  return Math.max(0, Math.floor((now - Date.parse(moment)) / 60_000));
}

/** Year, month and day as they are typed; null: no such day, or none that somebody alive was born on.
 * @param {string} year @param {string} month @param {string} day @param {Date} today */
export function birthDateOf(year, month, day, today) {
  const [y, m, d] = [year, month, day].map(Number);
  const date = new Date(Date.UTC(y, m - 1, d));
  const exists = date.getUTCFullYear() === y && date.getUTCMonth() === m - 1 && date.getUTCDate() === d;
  if (!exists || y < 1900 || date > today) return null;
  return `${year}-${String(m).padStart(2, "0")}-${String(d).padStart(2, "0")}`;
}
