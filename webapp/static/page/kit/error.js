/**
 * What a failed call means for the person: a sentence, the next step as a button, and a number that staff can look up.
 * @module
 */

import { make } from "./dom.js";
import { WORDS } from "./words.js";

/** @typedef {import("../../sdk/core/errors.js").WelnoError} WelnoError */
/** `reference` is the failed request's id; `next` the step that leads on.
 * @typedef {{text: string, reference?: string|null, next?: {label?: string, act: () => void}|null}} Trouble */

/** @type {Record<string|number, string>} */
const TEXTS = {
  0: "서버에 연결하지 못했어요. 인터넷 연결을 확인하고 다시 시도해 주세요.",
  409: "지금은 할 수 없어요. 잠시 뒤에 다시 시도해 주세요.",
  500: "잠시 서비스에 문제가 있어요. 조금 뒤에 다시 시도해 주세요.",
  otherwise: "요청을 처리하지 못했어요. 다시 시도해 주세요.",
};

/**
 * The sentence for a failed call: the domain's own, the server's where it is Korean, or the kit's.
 * @param {WelnoError} error @param {Record<string|number, string>} [texts] a domain's own, by code or status
 */
export function explain(error, texts = {}) {
  if (error.status === undefined) throw error; // a fault of ours, not an answer
  if (error.status === 429) return `${texts[error.code] ?? "요청이 너무 많아요."} ${waitText(error.retryAfterSeconds)}`;
  if (error.status >= 500) return TEXTS[500];
  if (/[가-힣]/.test(error.message)) return error.message;
  return texts[error.status] ?? TEXTS[error.status] ?? TEXTS.otherwise;
}

/** @param {number|null} seconds */
function waitText(seconds) {
  const wait = !seconds ? "잠시" : seconds < 90 ? `${Math.ceil(seconds)}초` : `${Math.ceil(seconds / 60)}분`;
  return `${wait} 뒤에 다시 시도해 주세요.`;
}

/** Fills the place that `error` in kit/parts.html made; null empties and hides it.
 * @param {HTMLElement} place @param {Trouble|null} trouble */
export function showError(place, trouble) {
  if (!trouble?.text) {
    place.hidden = true;
    place.replaceChildren();
    return;
  }
  const parts = partsOf(trouble);
  // A live region that says the same again would be read again.
  if (place.textContent !== parts.map((part) => part.textContent).join("")) place.replaceChildren(...parts);
  place.hidden = false;
}

/** @param {Trouble} trouble @returns {HTMLElement[]} */
function partsOf({ text, reference, next }) {
  const parts = [make("p", {}, text)];
  if (next) {
    const button = make("button", { type: "button" }, next.label ?? WORDS.retry);
    button.addEventListener("click", next.act);
    parts.push(button);
  }
  if (reference) parts.push(referenceLine(reference));
  return parts;
}

/** For a place that holds a text alone. What somebody typed wrongly is nothing that staff look up.
 * @param {string} text @param {WelnoError} error */
export function withReference(text, error) {
  const isTyped = [400, 401, 422].includes(error.status);
  return error.requestId && !isTyped ? `${text} (${WORDS.reference} ${error.requestId})` : text;
}

/** @param {string} reference */
export function referenceLine(reference) {
  return make("p", { class: "hint reference" }, `${WORDS.reference} `, make("code", {}, reference));
}
