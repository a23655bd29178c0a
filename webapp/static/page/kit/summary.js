/**
 * Names several faults of a form at once, at its top, each with a way to its field.
 * @module
 */

import { find, make } from "./dom.js";

/** @typedef {import("./field.js").Field} Field */

export class FaultSummary {
  #place;
  #fields;
  /** @type {Map<Field, HTMLElement>} */
  #lines = new Map();
  #title = make("p");

  /** @param {string} id of `summary` in kit/parts.html, inside of the form @param {Field[]} fields as they stand there */
  constructor(id, fields) {
    this.#place = find(id);
    this.#fields = fields;
    this.#title.id = `${id}-title`;
    for (const kind of ["input", "change"]) this.#place.parentElement.addEventListener(kind, () => this.#dropMended());
  }

  /** After a try to send: leads to the one fault, or to the summary of several. @returns {boolean} whether there is any */
  lead() {
    const wrong = this.#fields.filter((field) => field.fault);
    this.#lines = new Map(wrong.length > 1 ? wrong.map((field) => [field, lineOf(field)]) : []);
    this.#place.replaceChildren(this.#title, make("ul", { class: "plain" }, ...this.#lines.values()));
    this.#count();
    if (wrong.length > 0) (wrong.length > 1 ? this.#place : wrong[0]).focus();
    return wrong.length > 0;
  }

  /** Lines only go: one that is made anew between press and release would lose its click. */
  #dropMended() {
    for (const [field, line] of this.#lines) {
      if (field.fault) continue;
      line.remove();
      this.#lines.delete(field);
    }
    this.#count();
  }

  #count() {
    this.#title.textContent = `아래 ${this.#lines.size}가지를 확인해 주세요.`;
    this.#place.hidden = this.#lines.size === 0;
  }
}

/** @param {Field} field */
function lineOf(field) {
  const link = make("a", { href: `#${field.faultId}` }, field.fault);
  link.addEventListener("click", (/** @type {Event} */ event) => {
    event.preventDefault();
    field.focus();
  });
  return make("li", {}, link);
}
