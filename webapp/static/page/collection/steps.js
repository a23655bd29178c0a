/**
 * The form in steps, one at a time on a narrow screen and all at once on a wide one; start.css hides the others.
 * @module
 */

import { find, show } from "../kit/dom.js";

const NARROW = "(max-width: 47.99rem)"; // as in start.css

/** What the browser's history holds of the form: the step, and how many entries of the form lie behind.
 * @typedef {{step: number, depth: number}} StepEntry */

export class Steps {
  #view;
  #last;
  #mayLeave;
  #narrow = matchMedia(NARROW);
  #at = 1;
  #depth;

  /**
   * @param {HTMLElement} view holds the elements with `data-step`
   * @param {{mayLeave: (step: Element) => boolean}} how whether all is well in a step that the person wants to leave
   */
  constructor(view, { mayLeave }) {
    this.#view = view;
    this.#last = view.querySelectorAll("[data-step]").length;
    this.#mayLeave = mayLeave;
    const kept = this.#read(history.state); // of a page that is loaded again
    this.#depth = kept?.depth ?? 0;
    this.#show(kept?.step ?? 1);
    if (!kept) this.#keep();
    find("step-next").addEventListener("click", () => this.goOn());
    find("step-back").addEventListener("click", () => this.#goBack());
    addEventListener("popstate", ({ state }) => this.#arrive(this.#read(state)));
  }

  /** To the next step, where there is one to be shown. @returns {boolean} whether there is */
  goOn() {
    if (!this.#narrow.matches || this.#at === this.#last) return false;
    if (this.#mayLeave(this.#element(this.#at))) {
      this.#depth += 1;
      this.#show(this.#at + 1);
      history.pushState(this.#entry, "");
      this.#lead();
    }
    return true;
  }

  /** Shows the step of this control, which is to get the focus. @param {HTMLElement} control */
  reveal(control) {
    const step = Number(/** @type {HTMLElement} */ (control.closest("[data-step]")).dataset.step);
    if (step === this.#at) return;
    this.#show(step);
    this.#keep();
  }

  /** The page's button. Behind the form's first entry lies another page. */
  #goBack() {
    if (this.#depth > 0) history.back();
    else this.#showBefore();
  }

  /** @param {StepEntry|null} entry the one that the browser went to; null of none of ours: the address alone has changed,
   * as by the link to the main part, and behind the new entry lies the one before */
  #arrive(entry) {
    if (entry === null) {
      this.#depth += 1;
      this.#keep();
      return;
    }
    const isBack = entry.depth < this.#depth;
    this.#depth = entry.depth;
    if (this.#narrow.matches) this.#follow(entry.step, isBack);
  }

  /** The way back leads past what is shown already or comes later, and out of the page from behind the form.
   * @param {number} step @param {boolean} isBack */
  #follow(step, isBack) {
    if (this.#view.hidden) {
      if (isBack) history.back();
    } else if (!isBack || step < this.#at) {
      this.#show(step);
      this.#lead();
    } else if (this.#depth > 0) history.back();
    else if (this.#at > 1) this.#showBefore();
  }

  /** In the place of what is shown: the history has no earlier step. */
  #showBefore() {
    this.#show(this.#at - 1);
    this.#keep();
    this.#lead();
  }

  #show(step) {
    this.#at = step;
    this.#view.dataset.at = String(step);
    find("step-count").textContent = `${this.#last}단계 중 ${step}단계`;
    show(find("step-back"), step > 1);
    show(find("step-next"), step < this.#last);
  }

  #lead() {
    find("step-count").focus({ preventScroll: true });
    this.#view.scrollIntoView();
  }

  /** @returns {StepEntry} */
  get #entry() {
    return { step: this.#at, depth: this.#depth };
  }

  #keep() {
    history.replaceState(this.#entry, "");
  }

  /** @param {any} state @returns {StepEntry|null} */
  #read(state) {
    const { step, depth } = state ?? {};
    const isOurs = Number.isInteger(step) && step >= 1 && step <= this.#last && Number.isInteger(depth) && depth >= 0;
    return isOurs ? { step, depth } : null;
  }

  #element(step) {
    return /** @type {Element} */ (this.#view.querySelector(`[data-step="${step}"]`));
  }
}
