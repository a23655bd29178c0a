/**
 * What a failed call means for the person.
 * @module
 */

const TEXTS = {
  0: "서버에 연결하지 못했어요. 인터넷 연결을 확인하고 다시 시도해 주세요.",
  401: "본인 확인이 필요해요. 처음부터 다시 인증해 주세요.",
  403: "이 기록을 열 권한이 없어요.",
  404: "진행 중인 조회를 찾을 수 없어요. 처음부터 다시 시작해 주세요.",
  409: "지금은 할 수 없어요. 잠시 뒤에 다시 시도해 주세요.",
};

/** @param {import("../../sdk/core/errors.js").WelnoError} error */
export function explain(error) {
  if (error.status === undefined) throw error; // a fault of ours, not an answer
  if (error.status === 429) return waitText(error);
  if (error.status >= 500) return "잠시 서비스에 문제가 있어요. 조금 뒤에 다시 시도해 주세요.";
  return /[가-힣]/.test(error.message)
    ? error.message
    : (TEXTS[error.status] ?? "요청을 처리하지 못했어요. 다시 시도해 주세요.");
}

function waitText({ code, retryAfterSeconds: seconds }) {
  const why = code === "PASSWORD_LOCKED" ? "비밀번호를 여러 번 틀려서 잠겼어요." : "요청이 너무 많아요.";
  const wait = !seconds ? "잠시" : seconds < 90 ? `${Math.ceil(seconds)}초` : `${Math.ceil(seconds / 60)}분`;
  return `${why} ${wait} 뒤에 다시 시도해 주세요.`;
}
