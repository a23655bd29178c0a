/**
 * What the states, steps, outcomes and codes of runs are called on the staff's page.
 * @module
 */

import { withReference } from "../kit/error.js";

/** @type {Record<string, string>} */
export const FILTER_NAMES = {
  all: "전체",
  open: "끝나지 않은 작업",
  stopped: "오류로 멈춘 작업 (다시 시작할 수 있음)",
  failed: "오류가 있는 작업 (끝난 것 포함)",
  waiting: "휴대폰 승인을 기다리는 작업",
  running: "실행 중인 작업",
  ready: "차례를 기다리는 작업",
  idle: "사람을 기다리는 작업",
  ended: "끝난 작업",
};

const STATUSES = {
  initiated: "시작함",
  auth_requesting: "인증 요청 중",
  auth_pending: "승인 기다림",
  auth_completed: "인증됨",
  fetching_health_data: "건강검진 기록 가져오는 중",
  fetching_prescription_data: "진료·투약 기록 가져오는 중",
  identifying: "환자 확인 중",
  saving: "저장 중",
  mediarc_generating: "리포트 만드는 중",
  completed: "완료",
  info_required: "정보 확인 필요",
  declined: "본인이 거절함",
  timeout: "시간 초과",
  error: "오류",
  expired: "만료",
  cancelled: "취소",
};

const STATES = {
  idle: "사람을 기다림",
  ready: "차례를 기다림",
  running: "실행 중",
  waiting: "휴대폰 승인을 기다림",
  ended: "끝남",
};

const STEPS = {
  request_simple_auth: "인증 요청",
  poll_simple_auth: "승인 확인",
  fetch_health_data: "건강검진 기록 가져오기",
  fetch_prescriptions: "진료·투약 기록 가져오기",
  identify_patient: "환자 확인",
  save_files: "파일 저장",
  import_files: "데이터베이스 반영",
  make_report: "리포트 만들기",
  finish: "마무리",
};

const OUTCOMES = {
  done: "완료",
  retrying: "다시 시도 예정",
  failed: "실패",
  handed_back: "반납 (프로세스 종료)",
  taken_back: "회수 (프로세스 사라짐)",
};

const REASONS = {
  NOT_REGISTERED: "인증 앱에 가입되지 않음",
  DECLINED: "본인이 휴대폰에서 거절함",
  INFO_REQUIRED: "입력한 정보가 맞지 않음",
  AUTH_PENDING: "아직 승인되지 않음",
  SERVICE_UNAVAILABLE: "제공자가 우리 키를 거절함",
  PROVIDER_UNAVAILABLE: "제공자에 연결되지 않음",
  PROVIDER_REFUSED: "제공자가 요청을 거절함",
  REPORT_INPUTS_MISSING: "리포트에 필요한 검진 항목이 부족함",
  CONSENT_MISSING: "리포트 동의를 철회함",
  CONSENT_EXPIRED: "동의한 기간이 지남",
  REPORT_FAILED: "리포트를 만들지 못함",
  STORAGE_FAILED: "파일을 저장하지 못함",
  INTERNAL_ERROR: "처리 중 문제가 생김",
  PROCESS_LOST: "프로세스가 사라짐",
  POISON: "이 단계에서 프로세스가 거듭 죽음",
  UNREADABLE: "암호화된 내용이 손상됨",
  SEALING_KEY_UNKNOWN: "이 프로세스에 암호 키가 없음 (다른 프로세스가 이어서 진행)",
};

// A name that is not known here is shown as it is: a newer server must not be hidden by an older page.
const naming = (/** @type {Record<string, string>} */ names) => (/** @type {string} */ key) => names[key] ?? key;
export const nameStatus = naming(STATUSES);
export const nameStep = naming(STEPS);
export const nameOutcome = naming(OUTCOMES);
/** @param {string} code @returns {string} empty for a code without a name */
export const nameReason = (code) => REASONS[code] ?? "";

/** @param {any} summary */
export function isStopped(summary) {
  return summary.run_state === "idle" && summary.error_code !== null;
}

/** Whether an operator may let it go on: a push is the person's own to ask for. @param {any} summary */
export function mayResume(summary) {
  return isStopped(summary) && summary.step !== "request_simple_auth";
}

/** Who acts next on it. @param {any} summary */
export function describeState(summary) {
  return isStopped(summary) ? "멈춤" : naming(STATES)(summary.run_state);
}

/** The chip's class. @param {any} summary */
export function toneOf(summary) {
  if (summary.error_code !== null || summary.status === "error") return "above";
  if (summary.status === "completed") return "inside";
  return ["info_required", "declined", "timeout", "expired"].includes(summary.status) ? "watch" : "";
}

/** @param {string} outcome */
export function toneOfOutcome(outcome) {
  return { done: "inside", failed: "above" }[outcome] ?? "watch";
}

const MOMENT = new Intl.DateTimeFormat("ko-KR", {
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** In the reader's own time zone. @param {string|Date} moment */
export function formatMoment(moment) {
  return MOMENT.format(new Date(moment));
}

/** @param {string} start @param {string} end */
export function formatDuration(start, end) {
  const seconds = Math.max(0, (Date.parse(end) - Date.parse(start)) / 1000);
  if (seconds < 60) return `${seconds.toFixed(2)}초`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}분 ${Math.floor(seconds % 60)}초`
    : `${Math.floor(minutes / 60)}시간 ${minutes % 60}분`;
}

const REFUSED = {
  use: { 401: "로그인이 끝났어요. 다시 로그인해 주세요.", 403: "이 로그인으로는 볼 수 없어요. 운영자로 로그인해 주세요." },
  account: { 401: "로그인 정보가 맞지 않아요. 다시 확인해 주세요.", 403: "이 계정으로는 볼 수 없어요. 운영자 계정으로 로그인해 주세요." },
  token: { 401: "토큰이 맞지 않거나 시간이 지났어요. 다시 확인해 주세요.", 403: "이 토큰으로는 볼 수 없어요. 운영자의 토큰으로 로그인해 주세요." },
};

/**
 * What a failed call means for an operator.
 * @param {import("../../sdk/core/errors.js").WelnoError} error @param {"use"|"account"|"token"} [way] what was tried
 */
export function explainToStaff(error, way = "use") {
  if (error.status === undefined) throw error; // a fault of ours, not an answer
  if (error.status === 0) return "서버에 연결하지 못했어요.";
  if (REFUSED[way][error.status]) return REFUSED[way][error.status];
  if (error.status === 404) return "이 세션 ID의 작업이 없어요.";
  if (error.status === 429)
    return `요청이 너무 많아요. ${Math.ceil(error.retryAfterSeconds ?? 5)}초 뒤에 다시 시도해 주세요.`;
  if (error.status >= 500) return `서버에 문제가 있어요 (${error.code}).`;
  return /[가-힣]/.test(error.message) ? error.message : `요청을 처리하지 못했어요 (${error.code}).`;
}

/** The same for a place that holds a text alone.
 * @param {import("../../sdk/core/errors.js").WelnoError} error @param {"use"|"account"|"token"} [way] what was tried */
export function faultText(error, way) {
  return withReference(explainToStaff(error, way), error);
}

/** The same for the kit's `showError`. @param {import("../../sdk/core/errors.js").WelnoError} error */
export function troubleOf(error) {
  return { text: explainToStaff(error), reference: error.requestId };
}
