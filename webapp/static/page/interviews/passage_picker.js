/**
 * Picks a passage of the script: by the utterances' numbers, with arrow keys between them, or by selecting text.
 * @module
 */

import { find, setText, show } from "../kit/dom.js";
import { utteranceId } from "./analysis.js";
import { namePassage, pick } from "./passages.js";

/** @typedef {import("./passages.js").Passage} Passage */
/** @typedef {import("./reading.js").Utterance} Utterance */

const STEPS = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1 });

export class PassagePicker {
  #utterances = /** @type {Utterance[]} */ ([]);
  #passage = /** @type {Passage|null} */ (null);
  #stop = 0; // the one number that the tab key stops at

  constructor() {
    const script = find("analysis");
    script.addEventListener("click", (/** @type {Event} */ event) => this.#take(indexAt(event.target)));
    script.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#step(event));
    script.addEventListener("pointerup", (/** @type {Event} */ event) => indexAt(event.target) === null && this.#takeSelection());
    find("passage-cancel").addEventListener("click", () => this.leave());
    find("interview").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape" && this.#passage) this.leave();
    });
  }

  get passage() {
    return this.#passage;
  }

  /** The script was drawn anew; what was picked stays, where it is still the same interview.
   * @param {Utterance[]} utterances @param {boolean} isSame */
  show(utterances, isSame) {
    this.#utterances = utterances;
    if (!isSame || (this.#passage?.last ?? 0) >= utterances.length) this.#passage = null;
    if (!isSame) this.#stop = 0;
    this.#draw();
  }

  /** Nothing is picked any more; the keyboard goes on in the script. */
  leave() {
    getSelection()?.removeAllRanges();
    this.#set(null);
    this.#buttonAt(this.#stop)?.focus();
  }

  /** @param {number|null} index */
  #take(index) {
    if (index === null) return;
    this.#stop = index;
    this.#set(pick(this.#passage, index));
  }

  /** @param {KeyboardEvent} event */
  #step(event) {
    const [from, step] = [indexAt(event.target), STEPS[event.key]];
    const to = from === null || step === undefined ? -1 : from + step;
    if (to < 0 || to >= this.#utterances.length) return;
    event.preventDefault();
    this.#stop = to;
    this.#draw();
    this.#buttonAt(to)?.focus();
  }

  /** Whole utterances: a highlight has no other borders. */
  #takeSelection() {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || this.#utterances.length === 0) return;
    const range = selection.getRangeAt(0);
    const picked = this.#utterances.flatMap(({ number }, index) => {
      const text = document.getElementById(utteranceId(number))?.querySelector("p");
      return text && holdsSome(range, text) ? [index] : [];
    });
    if (picked.length) this.#set({ first: picked[0], last: picked[picked.length - 1] });
  }

  /** @param {Passage|null} passage */
  #set(passage) {
    this.#passage = passage;
    this.#draw();
  }

  #draw() {
    const { first, last } = this.#passage ?? { first: 0, last: -1 };
    this.#utterances.forEach((_, index) => {
      const button = this.#buttonAt(index);
      if (!button) return;
      const isPicked = index >= first && index <= last;
      button.tabIndex = index === this.#stop ? 0 : -1;
      button.dataset.index = String(index);
      button.setAttribute("aria-pressed", String(isPicked));
      button.closest("li")?.classList.toggle("picked", isPicked);
    });
    const passage = this.#passage;
    setText(find("passage-name"), passage ? `${namePassage(this.#utterances, passage)}를 골랐어요.` : "");
    show(find("passage"), passage !== null);
  }

  /** @param {number} index */
  #buttonAt(index) {
    return document.getElementById(`pick-${this.#utterances[index]?.number}`);
  }
}

/** A paragraph that is selected by three clicks ends where the next one begins. @param {Range} range @param {Node} node */
function holdsSome(range, node) {
  const whole = document.createRange();
  whole.selectNodeContents(node);
  const beginsBefore = range.compareBoundaryPoints(Range.END_TO_START, whole) < 0;
  return beginsBefore && range.compareBoundaryPoints(Range.START_TO_END, whole) > 0;
}

/** @param {EventTarget|null} target @returns {number|null} of the number that it is, or that it stands in */
function indexAt(target) {
  const button = /** @type {HTMLElement} */ (target).closest("button.number");
  return button ? Number(/** @type {HTMLElement} */ (button).dataset.index) : null;
}
