/**
 * The form in steps, one at a time on a narrow screen and all at once on a wide one; start.css hides the others.
 * @module
 */

import { find, show } from "../kit/dom.js";

const NARROW = "(max-width: 47.99rem)"; // as in start.css

export class Steps {
  #view;
  #last;
  #mayLeave;
  #narrow = matchMedia(NARROW);
  #at = 1;

  /**
   * @param {HTMLElement} view holds the elements with `data-step`
   * @param {{mayLeave: (step: Element) => boolean}} how whether all is well in a step that the person wants to leave
   */
  constructor(view, { mayLeave }) {
    this.#view = view;
    this.#last = view.querySelectorAll("[data-step]").length;
    this.#mayLeave = mayLeave;
    this.#show(1);
    history.replaceState({ step: 1 }, "");
    find("step-next").addEventListener("click", () => this.goOn());
    find("step-back").addEventListener("click", () => history.back());
    addEventListener("popstate", ({ state }) => this.#wayBack(state?.step));
  }

  /** To the next step, where there is one to be shown. @returns {boolean} whether there is */
  goOn() {
    if (!this.#narrow.matches || this.#at === this.#last) return false;
    if (this.#mayLeave(this.#element(this.#at))) {
      history.pushState({ step: this.#at + 1 }, "");
      this.#show(this.#at + 1);
      this.#lead();
    }
    return true;
  }

  /** Shows the step of this control, which is to get the focus. @param {HTMLElement} control */
  reveal(control) {
    const step = Number(/** @type {HTMLElement} */ (control.closest("[data-step]")).dataset.step);
    if (step === this.#at) return;
    history.replaceState({ step }, "");
    this.#show(step);
  }

  /** The browser's button and the page's: past what is shown already, and out of the page from behind the form.
   * @param {number|undefined} step of none where the address alone has changed */
  #wayBack(step) {
    if (step === undefined || !this.#narrow.matches) return;
    if (this.#view.hidden || step === this.#at) history.back();
    else {
      this.#show(step);
      this.#lead();
    }
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

  #element(step) {
    return /** @type {Element} */ (this.#view.querySelector(`[data-step="${step}"]`));
  }
}
