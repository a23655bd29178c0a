/**
 * Short notes that come and go. Screen readers get errors at once, the rest when it is convenient.
 * @module
 */

import { find, make } from "./dom.js";
import { referenceLine } from "./error.js";

const SHORTEST_MILLISECONDS = 7_000;
const MILLISECONDS_PER_CHARACTER = 120; // slow readers take in some eight characters a second
const MOST = 3;

/** How long a text stays: long enough to be read. @param {string} text */
export function stayMilliseconds(text) {
  return Math.max(SHORTEST_MILLISECONDS, text.length * MILLISECONDS_PER_CHARACTER);
}

/** @param {"info"|"success"|"warning"|"error"} level @param {string} text
 * @param {string|null} [reference] the id of the request that failed */
export function showToast(level, text, reference = null) {
  const place = find(level === "error" ? "toasts-urgent" : "toasts-polite");
  const close = make("button", { type: "button", "aria-label": "알림 닫기" }, "×");
  const body = make("div", { class: "toast-body" }, text, reference ? referenceLine(reference) : null);
  const toast = make("div", { class: `toast ${level}` }, body, close);
  close.addEventListener("click", () => toast.remove());
  place.append(toast);
  while (place.childElementCount > MOST) place.firstElementChild.remove();
  leaveLater(toast, stayMilliseconds(toast.textContent));
}

/** Never while it is being read: pointer or focus on it stops the clock.
 * @param {HTMLElement} toast @param {number} milliseconds */
function leaveLater(toast, milliseconds) {
  let timer = 0;
  const start = () => {
    timer = setTimeout(() => toast.remove(), milliseconds);
  };
  const stop = () => clearTimeout(timer);
  for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, stop);
  for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, start);
  start();
}
