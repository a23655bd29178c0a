/**
 * Offers a password among the results: as a card to who has none, and by a button at the end of the page.
 * @module
 */

import { KEYS } from "../../sdk/collection/storage.js";
import { find, setText, show } from "../kit/dom.js";

/** What the button says. @param {boolean} exists */
export const passwordLabel = (exists) => (exists ? "비밀번호 바꾸기" : "비밀번호 정하기");

export class PasswordOffer {
  #storage;
  #uuid;
  #ask;
  #isOffered = false;
  #exists = /** @type {boolean|null} */ (null);

  /**
   * @param {{storage: import("../../sdk/welno.js").WelnoStorage, uuid: () => string|null,
   *   ask: (isChange: boolean) => Promise<boolean>}} page `ask` opens the dialog, and tells whether one was set
   */
  constructor({ storage, uuid, ask }) {
    this.#storage = storage;
    this.#uuid = uuid;
    this.#ask = ask;
    for (const id of ["set-password", "password-offer-take"]) find(id).addEventListener("click", () => this.#take());
    find("password-offer-later").addEventListener("click", () => this.#putOff());
  }

  /** @param {boolean} exists whether there is one, as soon as that is known */
  know(exists) {
    this.#exists = exists;
    this.#draw();
  }

  /** @param {boolean} isOffered of what holds nothing, and of what is not all there yet, there is nothing to lock */
  offer(isOffered) {
    this.#isOffered = isOffered;
    this.#draw();
  }

  #draw() {
    const isPutOff = this.#storage.read(KEYS.passwordPutOff) === this.#uuid();
    const hasCard = this.#isOffered && this.#exists === false && !isPutOff;
    show(find("password-offer"), hasCard);
    setText(find("set-password"), passwordLabel(this.#exists === true));
    show(find("set-password"), this.#isOffered && !hasCard);
  }

  async #take() {
    if (!(await this.#ask(this.#exists === true))) return;
    const wasCard = !find("password-offer").hidden;
    this.know(true);
    if (wasCard) focusTitle(); // the button stays, and keeps the focus
  }

  #putOff() {
    this.#storage.write(KEYS.passwordPutOff, this.#uuid());
    this.#draw();
    focusTitle();
  }
}

/** The card is gone, and the focus with it. */
function focusTitle() {
  find("results-title").focus({ preventScroll: true });
}
