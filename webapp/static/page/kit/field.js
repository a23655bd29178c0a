/**
 * A labelled control, or a group of them: its fault beside it, and its text formatted while it is typed.
 * @module
 */

import { find, setText } from "./dom.js";

/** @param {string} text */
export const digitsOf = (text) => text.replace(/\D/g, "");

/**
 * @typedef {object} FieldOptions
 * @property {HTMLInputElement[]} [inputs] of a group; else the one with the field's id
 * @property {(text: string) => string} [format] what the typed text becomes
 * @property {(input: HTMLInputElement) => void} [reveal] shows it, before it gets the focus
 * @property {() => string} [check] the fault as it is now, or ""; shown once the field is left, and gone as soon as it is right
 */

export class Field {
  #inputs;
  #reveal;
  #fault = "";

  /** @param {string} id the fault stands in `#{id}-error` @param {FieldOptions} [options] */
  constructor(id, { inputs = [find(id)], format, check, reveal } = {}) {
    this.faultId = `${id}-error`;
    this.#inputs = inputs;
    this.#reveal = reveal;
    for (const input of inputs) {
      if (format) input.addEventListener("input", (event) => formatTyped(/** @type {any} */ (event), format));
      if (check) this.#watch(input, check);
    }
  }

  get value() {
    return this.#inputs[0].value;
  }
  set value(text) {
    this.#inputs[0].value = text;
  }

  /** What is wrong, or "". */
  get fault() {
    return this.#fault;
  }

  /** @param {string} text what is wrong, or "" */
  setFault(text) {
    this.#fault = text;
    setText(find(this.faultId), text);
    for (const input of this.#inputs) {
      if (text) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }

  focus() {
    this.#reveal?.(this.#inputs[0]);
    this.#inputs[0].focus();
  }

  select() {
    this.#inputs[0].select();
    this.focus();
  }

  /** @param {HTMLInputElement} input @param {() => string} check */
  #watch(input, check) {
    const isTyped = input.type !== "radio" && input.type !== "checkbox";
    input.addEventListener("focusout", () => isTyped && input.value && this.setFault(check()));
    input.addEventListener("input", () => input.hasAttribute("aria-invalid") && this.setFault(check()));
  }
}

/** @param {InputEvent} event @param {(text: string) => string} format */
function formatTyped(event, format) {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const formatted = format(input.value);
  if (event.isComposing || formatted === input.value) return;
  const following = input.value.slice(input.selectionStart ?? input.value.length);
  input.value = formatted;
  if (document.activeElement !== input) return; // filled in by the browser: Safari would move the focus here
  const caret = caretIn(formatted, following, event.inputType === "deleteContentBackward");
  input.setSelectionRange(caret, caret);
}

/**
 * The caret's place in a formatted text: before the same letters and digits as it was.
 * @param {string} formatted @param {string} following what stood after it
 * @param {boolean} isBackward who deletes backward gets past a separator that comes back
 */
export function caretIn(formatted, following, isBackward) {
  const isSeparator = (/** @type {string} */ character) => !/[\p{L}\p{N}]/u.test(character);
  let left = [...following].filter((character) => !isSeparator(character)).length;
  let at = formatted.length;
  while (at > 0 && left > 0) {
    at -= 1;
    if (!isSeparator(formatted[at])) left -= 1;
  }
  while (isBackward && at > 0 && isSeparator(formatted[at - 1])) at -= 1;
  return at;
}
