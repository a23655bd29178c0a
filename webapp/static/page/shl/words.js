/**
 * What is said on the page that opens links: kinds of records, and why a link was not opened.
 * @module
 */

/** @type {Record<string, string>} */
const KINDS = {
  Observation: "검사 결과",
  MedicationStatement: "처방받은 약",
  MedicationRequest: "처방받은 약",
  Immunization: "예방접종",
  Condition: "진단",
  AllergyIntolerance: "알레르기",
  Encounter: "진료",
  Organization: "기관",
  DocumentReference: "파일",
  Binary: "파일",
};
/** @type {Record<string, string>} */
const FAULTS = {
  NOT_A_LINK: "건강 기록을 공유하는 링크가 아니에요. 받은 링크를 그대로 넣어 주세요.",
  NEWER_VERSION: "더 새로운 방식의 링크라서 여기서는 열 수 없어요.",
  INACTIVE: "이 링크는 끝났거나 없는 링크예요. 보여 준 사람에게 새 링크를 부탁해 주세요.",
  UNREACHABLE: "기록이 있는 서버에 연결하지 못했어요. 잠시 뒤에 다시 시도해 주세요.",
  UNREADABLE: "파일이 이 링크의 열쇠로 열리지 않아요. 링크 전체를 받았는지 확인해 주세요.",
  TOO_LARGE: "파일이 너무 커서 여기서는 열 수 없어요.",
};

/** @param {string} resourceType */
export const nameKind = (resourceType) => KINDS[resourceType] ?? resourceType;

/** @param {import("../../sdk/shl/errors.js").HealthLinkError} error */
export function explainFault({ code, remainingAttempts, retryAfterSeconds }) {
  if (code === "TOO_OFTEN") return `너무 자주 열었어요. ${retryAfterSeconds ? `${Math.ceil(retryAfterSeconds)}초` : "잠시"} 뒤에 다시 시도해 주세요.`;
  if (code !== "PASSCODE") return FAULTS[code];
  if (remainingAttempts === 0) return "암호를 너무 많이 틀려서 이 링크는 끝났어요. 보여 준 사람에게 새 링크를 부탁해 주세요.";
  return remainingAttempts === null ? "암호가 맞지 않아요." : `암호가 맞지 않아요. ${remainingAttempts}번 더 넣어 볼 수 있어요.`;
}

const DAY = new Intl.DateTimeFormat("ko-KR", { dateStyle: "long", timeStyle: "short" });

/** @param {number} seconds of Unix time */
export const momentText = (seconds) => DAY.format(new Date(seconds * 1000));
export const NO_FILE_NAME = "이름 없는 파일";
export const SAVE = "저장하기";
