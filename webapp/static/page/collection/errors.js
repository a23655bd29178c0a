/**
 * What a failed call means for the person who collects or reads records.
 * @module
 */

import { explain as explainBy } from "../kit/error.js";

const TEXTS = {
  401: "본인 확인이 필요해요. 처음부터 다시 인증해 주세요.",
  403: "이 기록을 열 권한이 없어요.",
  404: "진행 중인 기록 모으기를 찾을 수 없어요. 처음부터 다시 시작해 주세요.",
  PASSWORD_LOCKED: "비밀번호를 여러 번 틀려서 잠겼어요.",
};

/** @typedef {import("../../sdk/core/errors.js").WelnoError} WelnoError */

/** @param {WelnoError} error */
export function explain(error) {
  return explainBy(error, TEXTS);
}

/** The same for the kit's `showError`; `retry` is offered where trying again at once can help.
 * @param {WelnoError} error @param {(() => void)|null} [retry] @returns {import("../kit/error.js").Trouble} */
export function troubleOf(error, retry = null) {
  const canRetry = retry && (error.status === 0 || error.status >= 500);
  return { text: explain(error), reference: error.requestId, next: canRetry ? { act: retry } : null };
}
