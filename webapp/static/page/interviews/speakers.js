/**
 * The speakers of the interview that is open: each gets a name, and who gets the same one is one speaker.
 * @module
 */

import { find, make, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { showToast } from "../kit/toast.js";
import { client } from "./entry.js";
import { troubleOf } from "./words.js";

const NAME_MAX = 64;

export class Speakers {
  #onSaved;
  #id = /** @type {string|null} */ (null);
  #labels = /** @type {string[]} */ ([]);
  #isTyped = false; // what is being typed is not overwritten by what comes

  /** @param {() => Promise<any>} onSaved */
  constructor(onSaved) {
    this.#onSaved = onSaved;
    const form = find("speakers-form");
    form.addEventListener("input", () => {
      this.#isTyped = true;
    });
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      whileBusy(find("speakers-save"), () => this.#save());
    });
  }

  /** @param {string} id of the interview @param {any[]} speakers */
  show(id, speakers) {
    show(find("speakers"), speakers.length > 0);
    if (id !== this.#id) {
      find("speakers").open = false;
      showError(find("speakers-failed"), null);
    } else if (this.#isTyped) return;
    this.#id = id;
    this.#isTyped = false;
    this.#labels = speakers.map(({ label }) => label);
    find("speakers-fields").replaceChildren(...speakers.map(makeField));
  }

  async #save() {
    const names = this.#labels.map((label, index) => [label, find(`speaker-${index}`).value.trim()]);
    showError(find("speakers-failed"), null);
    try {
      await client.nameSpeakers(/** @type {string} */ (this.#id), Object.fromEntries(names.filter(([, name]) => name !== "")));
    } catch (/** @type {any} */ error) {
      return showError(find("speakers-failed"), troubleOf(error));
    }
    this.#isTyped = false;
    showToast("success", "화자 이름을 바꿨어요.");
    await this.#onSaved();
  }
}

/** @param {any} speaker @param {number} index */
function makeField({ label, name, utterances }, index) {
  const id = `speaker-${index}`;
  const value = name === label ? "" : name;
  const said = make("span", { class: "hint" }, ` 발화 ${utterances}개`);
  const input = make("input", { id, type: "text", value, maxLength: NAME_MAX, autocomplete: "off" });
  return make("div", { class: "field" }, make("label", { htmlFor: id }, label || "이름 없는 화자", said), input);
}
