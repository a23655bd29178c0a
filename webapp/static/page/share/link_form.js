/**
 * The form by which a SMART Health Link is made, and the place where it is shown: as a link and as QR, for the moment
 * only. The markup is `share/link.html`; what the link is made of is the page's.
 * @module
 */

import { find, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { drawQr } from "../kit/qr.js";
import { copyLink } from "./copying.js";
import { passcodeFault, QR_LABEL } from "./words.js";

const DAY_SECONDS = 86_400;

/** @typedef {import("../../sdk/shl/client.js").PlainFile} PlainFile */
/** @typedef {{id: string, link: string}} MadeLink */
/** @typedef {{files: PlainFile[], onMade: (made: MadeLink) => Promise<unknown>|void}} LinkPlan */
/**
 * @typedef {object} LinkFormParts
 * @property {import("../../sdk/shl/client.js").HealthLinksClient} links
 * @property {() => Field|null} findFault shows what is wrong with what was chosen, and gives the field to go to
 * @property {() => Promise<LinkPlan>} prepare what is encrypted, and what follows once it is shown
 * @property {(error: any) => import("../kit/error.js").Trouble} troubleOf
 */

export class LinkForm {
  #parts;
  #passcode;
  #round = 0;

  /** @param {LinkFormParts} parts */
  constructor(parts) {
    this.#parts = parts;
    // Not checked when it is left: a fault that appears above the button moves it away from under the finger.
    this.#passcode = new Field("share-passcode");
    find("share-form").onsubmit = (/** @type {Event} */ event) => {
      event.preventDefault();
      void whileBusy(find("share-button"), () => this.#make());
    };
    find("share-done").onclick = () => {
      this.#forgetMade();
      find("share-title").tabIndex = -1;
      find("share-title").focus();
    };
  }

  /** For somebody or something else: what is shown goes, and what is under way is given up. */
  reset() {
    this.#round += 1;
    this.#passcode.setFault("");
    showError(find("share-failed"), null);
    find("share-form").reset();
    this.#forgetMade();
  }

  async #make() {
    const { links, findFault, prepare, troubleOf } = this.#parts;
    showError(find("share-failed"), null);
    this.#passcode.setFault(passcodeFault(this.#passcode.value));
    const wrong = [findFault(), passcodeFault(this.#passcode.value) ? this.#passcode : null].find(Boolean);
    if (wrong) {
      wrong.focus();
      return;
    }
    const [round, wishes] = [this.#round, this.#readWishes()];
    try {
      const { files, onMade } = await prepare();
      if (round !== this.#round) return;
      const made = await links.make(files, wishes);
      // A link that nobody was shown is of no use to anybody.
      if (round !== this.#round) return void (await links.end(made.id));
      await this.#showMade(made.link, wishes.passcode !== undefined);
      await onMade(made);
    } catch (/** @type {any} */ error) {
      if (round !== this.#round) return;
      showError(find("share-failed"), troubleOf(error));
      find("share-failed").focus();
    }
  }

  #readWishes() {
    return {
      label: find("share-label").value.trim() || undefined,
      exp: Math.floor(this.#parts.links.now() / 1000) + Number(find("share-until").value) * DAY_SECONDS,
      passcode: this.#passcode.value || undefined,
      viewer: `${location.origin}/shl`,
    };
  }

  /** @param {string} link @param {boolean} hasPasscode */
  async #showMade(link, hasPasscode) {
    find("share-qr").replaceChildren(await drawQr({ library: find("share").dataset.qrLibrary, text: link, label: QR_LABEL }));
    show(find("share-made-passcode"), hasPasscode);
    find("share-open").href = link;
    find("share-copy").onclick = () => copyLink(link);
    find("share-form").reset();
    show(find("share-form"), false);
    show(find("share-made"));
    find("share-made-title").focus();
  }

  /** So that whoever comes next to this computer finds no link. */
  #forgetMade() {
    find("share-qr").replaceChildren();
    find("share-open").removeAttribute("href");
    find("share-copy").onclick = null;
    show(find("share-made"), false);
    show(find("share-form"));
  }
}
