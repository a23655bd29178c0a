/**
 * The form by which a SMART Health Link is made, and the place where it is shown: as a link and as QR, for the moment
 * only. The markup is `share/link.html`; what the link is made of is the page's.
 * @module
 */

import { find, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { drawQr, QrError } from "../kit/qr.js";
import { showToast } from "../kit/toast.js";
import { copyLink } from "./copying.js";
import { CHANGED, NOT_DRAWN, NOT_ENDED, passcodeFault, QR_LABEL } from "./words.js";

const DAY_SECONDS = 86_400;

/** @typedef {import("../../sdk/shl/client.js").PlainFile} PlainFile */
/** @typedef {{id: string, link: string}} MadeLink */
/** @typedef {{files: PlainFile[], onMade: (made: MadeLink) => Promise<unknown>|void}} LinkPlan */
/**
 * @typedef {object} LinkFormParts
 * @property {import("../../sdk/shl/client.js").HealthLinksClient} links
 * @property {() => number} now the server's time, of a client that it has answered; `links` may have asked nothing yet
 * @property {() => Field|null} findFault shows what is wrong with what was chosen, and gives the field to go to
 * @property {(signal: AbortSignal) => Promise<LinkPlan>} prepare what is encrypted, and what follows once it is shown;
 *   `signal`: nobody wants it any more
 * @property {(error: any) => import("../kit/error.js").Trouble} troubleOf
 */

export class LinkForm {
  #parts;
  #passcode;
  #round = /** @type {AbortController|null} */ (null); // while a link is made

  /** @param {LinkFormParts} parts */
  constructor(parts) {
    this.#parts = parts;
    // Not checked when it is left: a fault that appears above the button moves it away from under the finger.
    this.#passcode = new Field("share-passcode");
    const form = find("share-form");
    form.onsubmit = (/** @type {Event} */ event) => {
      event.preventDefault();
      void whileBusy(find("share-button"), () => this.#make());
    };
    form.oninput = () => this.noteChange();
    find("share-done").onclick = () => {
      this.#forgetMade();
      find("share-title").tabIndex = -1;
      find("share-title").focus();
    };
  }

  /** What was chosen is something else now: a link of what was chosen before is given up. */
  noteChange() {
    if (this.#giveUp()) showError(find("share-failed"), { text: CHANGED });
  }

  /** For somebody or something else: what is shown goes, and what is under way is given up. */
  reset() {
    this.#giveUp();
    this.#passcode.setFault("");
    showError(find("share-failed"), null);
    find("share-form").reset();
    this.#forgetMade();
  }

  /** @returns {boolean} whether there was anything */
  #giveUp() {
    const round = this.#round;
    this.#round = null;
    round?.abort();
    return round !== null;
  }

  async #make() {
    showError(find("share-failed"), null);
    this.#passcode.setFault(passcodeFault(this.#passcode.value));
    const wrong = [this.#parts.findFault(), passcodeFault(this.#passcode.value) ? this.#passcode : null].find(Boolean);
    if (wrong) {
      wrong.focus();
      return;
    }
    const round = (this.#round = new AbortController());
    // Whoever gives it up may begin the next one at once.
    const givenUp = new Promise((resolve) => round.signal.addEventListener("abort", resolve));
    await Promise.race([this.#makeLink(this.#readWishes(), round.signal), givenUp]);
    if (this.#round === round) this.#round = null;
  }

  /** @param {import("../../sdk/shl/client.js").LinkWishes} wishes @param {AbortSignal} signal of its round */
  async #makeLink(wishes, signal) {
    const { links, prepare, troubleOf } = this.#parts;
    try {
      const { files, onMade } = await prepare(signal);
      signal.throwIfAborted();
      const made = await links.make(files, wishes);
      this.#showMade(await this.#drawOrEnd(made, signal), made.link, wishes.passcode !== undefined);
      await onMade(made);
    } catch (/** @type {any} */ error) {
      if (signal.aborted) return;
      showError(find("share-failed"), error instanceof QrError ? { text: NOT_DRAWN } : troubleOf(error));
      find("share-failed").focus();
    }
  }

  /** A link that nobody is shown is of no use to anybody. @param {MadeLink} made @param {AbortSignal} signal
   * @returns {Promise<Element>} */
  async #drawOrEnd({ id, link }, signal) {
    try {
      const qr = await drawQr({ library: find("share").dataset.qrLibrary, text: link, label: QR_LABEL });
      signal.throwIfAborted();
      return qr;
    } catch (error) {
      await this.#end(id);
      throw error;
    }
  }

  /** @param {string} id */
  async #end(id) {
    try {
      await this.#parts.links.end(id);
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error;
      showToast("error", NOT_ENDED, error.requestId);
    }
  }

  #readWishes() {
    return {
      label: find("share-label").value.trim() || undefined,
      exp: Math.floor(this.#parts.now() / 1000) + Number(find("share-until").value) * DAY_SECONDS,
      passcode: this.#passcode.value || undefined,
      viewer: `${location.origin}/shl`,
    };
  }

  /** @param {Element} qr @param {string} link @param {boolean} hasPasscode */
  #showMade(qr, link, hasPasscode) {
    find("share-qr").replaceChildren(qr);
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
