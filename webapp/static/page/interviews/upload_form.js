/**
 * What is uploaded: files that are picked or dropped, or a text that is pasted.
 * @module
 */

import { find, show, whileBusy } from "../kit/dom.js";
import { Field } from "../kit/field.js";

/** @typedef {import("../../sdk/interviews/client.js").Upload} Upload */

export class UploadForm {
  #send;
  #requiresConsent;
  #files = new Field("files");
  #text = new Field("text");
  #consent = new Field("consent");

  /** @param {(upload: Upload) => Promise<any>} send @param {boolean} requiresConsent */
  constructor(send, requiresConsent) {
    this.#send = send;
    this.#requiresConsent = requiresConsent;
    show(find("upload"));
    show(find("consent-part"), requiresConsent);
    find("consent").addEventListener("change", () => this.#consent.setFault(""));
    find("files").addEventListener("change", () => this.#sendPicked());
    find("text-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      whileBusy(find("text-button"), () => this.#sendText());
    });
    this.#takeDrops(find("upload"));
  }

  #sendPicked() {
    const input = find("files");
    this.#sendFiles([...input.files]);
    input.value = ""; // the same file may be picked again
  }

  /** @param {File[]} files */
  #sendFiles(files) {
    this.#files.setFault(files.length ? "" : "파일을 끌어다 놓아 주세요.");
    if (!this.#hasConsent()) return;
    for (const file of files) this.#send({ file, ...this.#common() });
  }

  async #sendText() {
    const text = find("text").value;
    this.#text.setFault(text.trim() ? "" : "인터뷰 글을 넣어 주세요.");
    if (!text.trim()) return this.#text.focus();
    if (!this.#hasConsent()) return;
    const title = find("text-title").value.trim();
    const answer = await this.#send({ text, ...(title ? { title } : {}), ...this.#common() });
    if (answer) find("text-form").reset(); // what failed can be sent again
  }

  #hasConsent() {
    const isMissing = this.#requiresConsent && !find("consent").checked;
    this.#consent.setFault(isMissing ? "인터뷰 대상자의 동의를 받은 뒤에 올려 주세요." : "");
    if (isMissing) this.#consent.focus();
    return !isMissing;
  }

  #common() {
    const maskWords = find("mask-words").value.split(",").map((/** @type {string} */ word) => word.trim());
    return { maskWords: maskWords.filter(Boolean), consents: this.#requiresConsent && find("consent").checked };
  }

  /** Files only: a dropped text or link stays the browser's. @param {HTMLElement} place */
  #takeDrops(place) {
    const holdsFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
    for (const name of /** @type {const} */ (["dragenter", "dragover"]))
      place.addEventListener(name, (event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        place.classList.add("over");
      });
    place.addEventListener("dragleave", (event) => {
      if (!place.contains(/** @type {Node|null} */ (event.relatedTarget))) place.classList.remove("over");
    });
    place.addEventListener("drop", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      place.classList.remove("over");
      this.#sendFiles([...(event.dataTransfer?.files ?? [])]);
    });
  }
}
