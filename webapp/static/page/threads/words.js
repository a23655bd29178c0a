/**
 * What members, items and faults are called on the threads' page.
 * @module
 */

import { explain } from "../kit/error.js";
import { WORDS } from "../kit/words.js";

const SHOWN_ID = 8;
export const SERVICE_MEMBER = "service:welno";
export const SERVICE_READS =
  "초대하면 그때부터 웰노(서버)가 이 대화방의 메시지를 읽을 수 있어요. 초대하지 않아도 대화는 똑같이 할 수 있어요.";
export const RESTORED =
  "서버가 예전 상태로 돌아가서, 이 기기에 있는 열쇠와 서버의 열쇠가 맞지 않아요. 서버를 백업으로 되돌렸다는 안내를 받았을 때만 새 기기로 다시 등록해 주세요.";
export const REGISTER_ANEW = "새 기기로 다시 등록";
export const CODE_FIRST = "먼저 비상 코드를 만들어 주세요. 다른 기기가 없어서, 새로 등록하면 비상 코드로만 대화를 열 수 있어요.";
export const RECORD_UNREADABLE = "기록을 읽지 못했어요.";
export const SOMEBODY_ELSE = "이 브라우저에서 다른 분이 로그인해서 링크를 만들지 않았어요.";
export const LINK_UNREADABLE = "공유 링크를 읽지 못했어요.";
export const OWN_RECORDS_CLOSED = "어느 것이 내 기록인지 확인하지 못했어요. 다시 로그인한 뒤에 열어 주세요.";
/** @type {Record<string, string>} */
export const RECORD_KINDS = { checkups: WORDS.checkups, prescriptions: WORDS.treatments, report: WORDS.report };
/** @type {Record<string, string>} */
const KINDS = { patient: "환자", staff: "직원", service: "웰노" };
/** @type {Record<string, string>} */
export const ROLES = { owner: "관리", writer: "쓰기", reader: "읽기" };
/** @type {Record<string, string>} */
const DEVICE_STATES = { active: "사용 중", pending: "승인 기다리는 중", revoked: "사용 중지" };
/** @type {Record<string, string>} */
const DEVICE_TYPES = { browser: "브라우저", recovery: "비상 코드" };
/** @type {Record<string, string>} */
const RECOVERY = {
  RECOVERY_LENGTH: "코드는 다섯 글자씩 여덟 묶음이에요. 빠진 글자가 없는지 확인해 주세요.",
  RECOVERY_CHECK: "코드가 맞지 않아요. 여러 글자가 다른 것 같으니 처음부터 다시 견주어 보세요.",
  RECOVERY_UNKNOWN: "지금 쓰는 비상 코드가 아니에요. 가장 나중에 만든 코드를 적어 주세요.",
};
/** @type {Record<string, string>} */
const EVENTS = {
  key: "새 열쇠를 만들었어요.",
  member_added: "님이 들어왔어요.",
  member_removed: "님이 나갔어요.",
  role_changed: "님의 역할이 바뀌었어요.",
  device_added: "님의 기기가 늘었어요.",
  device_revoked: "님의 기기 하나를 더 쓰지 않아요.",
  closed: "대화방을 닫았어요.",
};
/** @type {Record<string, string>} by code */
const FAULTS = {
  LOGIN_FAILED: "로그인 이름이나 비밀번호가 맞지 않아요. 다시 확인해 주세요.",
  SECOND_FACTOR_REQUIRED: "이 계정으로는 대화방을 쓸 수 없어요.",
  FORBIDDEN: "이 대화방에 쓸 수 없어요.",
  THREAD_NOT_FOUND: "이 대화방을 볼 수 없어요.",
  BLOB_CHANGED: "받은 파일이 보낸 사람의 것과 달라요. 도중에 바뀌어서 열지 않았어요.",
  INVALID_BLOB: "파일을 알려 주는 내용이 맞지 않아서 열지 않았어요.",
  BLOB_NOT_FOUND: "이 파일은 이제 없거나, 들어오기 전에 보낸 파일이에요.",
  UNKNOWN_DEVICE: "이 기기가 아직 승인되지 않았어요. 쓰던 기기에서 승인해 주세요.",
  SERVICE_NOT_MEMBER: "웰노가 이 대화방에 없거나 쓸 수 없어요. 웰노를 초대한 뒤에 다시 눌러 주세요.",
  UNKNOWN_KEY: "아직 열쇠를 받지 못했어요. 다른 사람이 열쇠를 보내 주면 열려요.",
  LAST_OWNER: "관리하는 사람이 한 명은 있어야 해요. 다른 사람을 먼저 관리로 바꿔 주세요.",
  FRESH_PROOF_REQUIRED: "휴대폰으로 본인 확인을 한 지 5분이 지났어요. 다시 확인하고 바로 눌러 주세요.",
  KEY_CHANGED: "서버의 열쇠가 이 기기에 있는 열쇠와 달라요. 다른 기기에서 열 수 없으니 새 열쇠가 생길 때까지 보내지 않아요.",
  KEY_CHAIN: "서버의 열쇠가 이 기기에 있는 열쇠와 이어지지 않아요. 다른 기기에서 열 수 없으니 새 열쇠가 생길 때까지 보내지 않아요.",
  KEY_FORGETS: "새 열쇠가 쓰고 있는 기기 하나를 빠뜨려서 쓰지 않아요. 그 기기도 열쇠를 받으면 쓸 수 있어요.",
  NOT_KEPT: "서버가 받았다고 했지만 대화에는 다른 것이 있어요. 다시 보내거나 내려받아 두세요.",
  KEY_RETIRED: "열쇠가 바뀌었어요. 새 열쇠를 받은 뒤에 다시 보내 주세요.",
};
const DISBELIEVED = "서버가 보낸 내용이 서명과 맞지 않아서 열지 않았어요.";

/** Pseudonymous: names are no part of threads. @param {string} memberId @param {string} own */
export function nameMember(memberId, own) {
  const [kind, id = ""] = memberId.split(/:(.*)/s);
  if (memberId === own) return "나";
  return memberId === SERVICE_MEMBER ? KINDS.service : `${KINDS[kind] ?? kind} ${id.slice(0, SHOWN_ID)}`;
}

/** The service acknowledges nothing: it reads where it has to. @param {string} memberId */
export const isPerson = (memberId) => memberId !== SERVICE_MEMBER;

/** Of what was brought. @param {Record<string, number>} counts */
export function describeCounts(counts) {
  const told = Object.entries(counts).filter(([kind]) => kind in RECORD_KINDS);
  const found = told.filter(([, count]) => count > 0);
  if (found.length === 0) return "가져올 기록이 없어요. 먼저 기록 모으기를 해 주세요.";
  return `기록을 다 가져왔어요. ${found.map(([kind, count]) => `${RECORD_KINDS[kind]} ${count}건`).join(", ")}`;
}

/** @param {string} role */
export const nameRole = (role) => ROLES[role] ?? role;
/** @param {string} state */
export const nameDeviceState = (state) => DEVICE_STATES[state] ?? state;

/** @param {string} [type] */
export const nameDeviceType = (type) => DEVICE_TYPES[type ?? "browser"] ?? type;
/** @param {import("../../sdk/threads/recovery.js").RecoveryFault} fault */
export const explainRecovery = ({ code, group }) => RECOVERY[code] ?? `${group}번째 묶음이 달라요. 다시 견주어 보세요.`;

/** @param {string} event @param {any} data @param {string} own */
export function describeEvent(event, data, own) {
  const who = data.memberId ? nameMember(data.memberId, own) : "";
  return who + (EVENTS[event] ?? event);
}

/** @type {Record<string, string>} by why no camera reads */
export const CAMERA_TROUBLES = {
  denied: "카메라가 막혀 있어요. 새 기기에 보이는 지문을 적어 주세요.",
  absent: "이 기기에는 쓸 수 있는 카메라가 없어요. 새 기기에 보이는 지문을 적어 주세요.",
  failed: "카메라로 읽지 못했어요. 새 기기에 보이는 지문을 적어 주세요.",
};
export const FINGERPRINT_SHAPE = "지문은 네 글자씩 여섯 묶음이에요. 빠진 글자가 없는지 확인해 주세요.";
export const FINGERPRINT_DIFFERS =
  "지문이 달라서 승인하지 않았어요. 새 기기 화면을 다시 견주어 보고, 그래도 다르면 다른 사람의 기기일 수 있으니 사용 중지를 눌러 주세요.";

/** @type {Record<string, string>} by reason */
const LOST = {
  trimmed: "보관 기간이 지나서 서버에서 지워졌어요.",
  missing: "여러 번 물어보았지만 서버에서 오지 않았어요.",
};
export const ASK_AGAIN = "필요한 내용이면 보낸 분에게 다시 보내 달라고 해 주세요.";

/** Messages that cannot be had. @param {import("../../sdk/threads/inbox.js").Gap} gap */
export function describeGap({ from, to, reason }) {
  return `${from === to ? from : `${from}~${to}`}쪽 메시지는 볼 수 없어요. ${LOST[reason]}`;
}

/** Of a browser that keeps nothing: a title, and what it means. */
export const TAB_ONLY = Object.freeze([
  "이 탭에서만 쓸 수 있어요.",
  "이 브라우저는 열쇠와 메시지를 저장하지 못해요. 탭을 닫거나 새로 고치면 보내지 않은 메시지는 사라지고, 다음에 열 때는 처음 보는 기기가 돼요.",
  "그때는 쓰던 다른 기기나 비상 코드로 승인해야 대화를 읽을 수 있어요. 일반 창이나 다른 브라우저에서 열면 저장돼요.",
]);
/** Of such a browser, where nobody could approve the member's next device. */
export const FIRST_DEVICE =
  "이 브라우저는 열쇠를 저장하지 못해서 첫 기기로 쓸 수 없어요. 일반 창에서 대화방을 한 번 열어 주세요. 그다음에는 여기에서도 그 기기로 승인해서 쓸 수 있어요.";
export const LOGIN_OVER = "로그인이 끝났어요. 쓴 메시지는 보내지만, 읽으려면 다시 로그인해 주세요.";
/** Of such a browser. */
export const LOGIN_OVER_HERE =
  "로그인이 끝났어요. 이 탭을 그대로 두고 다시 로그인하면 이어져요. 닫거나 새로 고치면 보내지 않은 메시지와 이 기기가 사라져요.";

/** Of such a browser, after its device was revoked. */
export const DEVICE_GONE =
  "이 탭의 기기는 사용 중지했지만 아직 로그인되어 있어요. 다음 사람이 이 계정을 쓸 수 있으니 로그아웃을 다시 눌러 주세요.";
export const SIGN_OUT_AGAIN = "로그아웃";

/** Of a larger thing that is being sent. */
export const UPLOAD_STATES = Object.freeze({
  preparing: "보낼 준비를 하고 있어요. 준비가 끝날 때까지 이 페이지를 닫지 마세요.",
  queued: "앞의 파일을 보낸 다음에 보내요.",
  waiting: "다른 탭에서 보내고 있어요. 그 탭이 닫히면 여기에서 이어서 보내요.",
  kept: "다 보내기 전에 이 페이지를 닫아도 돼요. 다시 열면 이어서 보내요.",
  resumed: "앞서 연 페이지에서 보내던 파일이에요. 멈춘 곳부터 이어서 보내요.",
  notKept: "이 브라우저에 담아 둘 자리가 없어요. 다 보낼 때까지 이 페이지를 닫지 마세요.",
});
/** @param {number} messages that wait @param {number} files that are being sent @param {{isTabOnly?: boolean}} [how]
 * @returns {Parameters<typeof import("../kit/dialog.js").askToConfirm>[0]|null} null where there is nothing to ask */
export function signOutQuestion(messages, files, { isTabOnly = false } = {}) {
  if (messages + files === 0) return null;
  const then = isTabOnly
    ? "로그아웃하면 사라지고 보내지 않아요."
    : "로그아웃해도 이 컴퓨터에 암호로 남아 있다가, 네트워크가 이어지거나 다시 로그인하면 보내요.";
  const kept = `메시지 ${messages}개를 아직 보내지 못했어요. ${then}`;
  const lost = `파일 ${files}개를 아직 다 보내지 못했어요. 로그아웃하면 이 컴퓨터에서 지워지고 보내지 않아요.`;
  return {
    title: messages > 0 ? "보내지 않은 메시지가 있어요" : "다 보내지 않은 파일이 있어요",
    text: [...(messages > 0 ? [kept] : []), ...(files > 0 ? [lost] : [])].join(" "),
    yes: "로그아웃",
    look: "danger",
  };
}
/** Why it cannot be sent at all. @type {Record<string, string>} by the error's name */
export const UPLOAD_FAULTS = {
  NotReadableError: "고른 뒤에 파일이 바뀌었어요. 다시 골라 주세요.",
  NotFoundError: "고른 뒤에 파일이 바뀌었어요. 다시 골라 주세요.",
  HalfKeptError: "보낼 준비가 끝나기 전에 페이지가 닫혔어요. 파일을 다시 골라 주세요.",
  RevokedError: "이 기기는 사용 중지되어서 보낼 수 없어요.",
};

/** Why an envelope was not taken, or not believed. @param {string} code */
export const explainCode = (code) => FAULTS[code] ?? `${DISBELIEVED} (${code})`;

/** What a failed call, or a store or key that cannot be used, means. @param {any} error @returns {import("../kit/error.js").Trouble} */
export function troubleOf(error) {
  if (error.name === "DisbelievedError") return { text: explainCode(error.code) };
  if (error.name === "FirstDeviceError") return { text: FIRST_DEVICE };
  if (error.name === "StoreError") return { text: `${error.message} 다른 브라우저나 일반 창에서 열어 주세요.` };
  const known = error.status !== 429 && FAULTS[error.code];
  return { text: known || explain(error, FAULTS), reference: error.requestId };
}

export const CHOICE_LOADING = "고른 것을 아직 불러오고 있어요. 잠시 뒤에 다시 눌러 주세요.";
/** Of what a link may show. @param {number} most */
export const tooManyFiles = (most) => `사진과 PDF는 ${most}개까지 고를 수 있어요.`;
/** @param {number} most @param {number} chosen bytes */
export const tooLargeFiles = (most, chosen) =>
  `사진과 PDF는 모두 더해서 ${formatBytes(most)}까지 보여 줄 수 있어요. 지금은 ${formatBytes(chosen)}예요.`;
/** Of a picture that has none. @param {string} day @param {string} ending */
export const pictureName = (day, ending) => `사진 ${day}.${ending}`;

const UNTIL = new Intl.DateTimeFormat("ko-KR", { dateStyle: "long", timeStyle: "short" });

/** @param {{exp: number|null, isOver: boolean, hasPasscode: boolean}} link `exp`: seconds of Unix time */
export function describeLink({ exp, isOver, hasPasscode }) {
  const until = exp === null ? null : UNTIL.format(new Date(exp * 1000));
  if (isOver) return `${until}에 끝났어요.`;
  return `${until === null ? "끝나는 때 없이" : `${until}까지`} 열 수 있어요. ${hasPasscode ? "암호가 있어요." : "암호 없이 열려요."}`;
}

const MOMENT = new Intl.DateTimeFormat("ko-KR", { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });

/** @param {string} moment */
export const formatMoment = (moment) => MOMENT.format(new Date(moment));

const KILOBYTE = 1024;

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < KILOBYTE) return `${bytes}B`;
  const isSmall = bytes < KILOBYTE ** 2;
  return isSmall ? `${Math.round(bytes / KILOBYTE)}KB` : `${(bytes / KILOBYTE ** 2).toFixed(1).replace(".0", "")}MB`;
}
