/**
 * Short notes that come and go. Screen readers hear them; errors at once, the rest when it is convenient.
 * @module
 */

import { find, make } from "./dom.js";

const STAY_MILLISECONDS = 7_000;
const MOST = 3;

/** @param {"info"|"success"|"warning"|"error"} level @param {string} text */
export function showToast(level, text) {
  const place = find(level === "error" ? "toasts-urgent" : "toasts-polite");
  const close = make("button", { type: "button", "aria-label": "알림 닫기" }, "×");
  const toast = make("div", { class: `toast ${level}` }, make("span", {}, text), close);
  close.addEventListener("click", () => toast.remove());
  place.append(toast);
  while (place.childElementCount > MOST) place.firstElementChild.remove();
  leaveLater(toast);
}

/** Never while it is being read: pointer or focus on it stops the clock. */
function leaveLater(toast) {
  let timer = 0;
  const start = () => {
    timer = setTimeout(() => toast.remove(), STAY_MILLISECONDS);
  };
  const stop = () => clearTimeout(timer);
  for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, stop);
  for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, start);
  start();
}
