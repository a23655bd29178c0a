/**
 * Larger things in a thread's messages: fetched when the person wants them, pictures shown, everything else saved.
 * @module
 */

import { BlobDownload } from "../../sdk/threads/blob_download.js";
import { readBlobMessage } from "../../sdk/threads/blob_message.js";
import { make, setText, show } from "../kit/dom.js";
import { PICTURES } from "../kit/pictures.js";
import { WORDS } from "../kit/words.js";
import { explainCode, formatBytes, troubleOf } from "./words.js";

/** @typedef {import("../../sdk/threads/blob_message.js").BlobMessage} BlobMessage */
/** @typedef {{client: import("../../sdk/threads/client.js").ThreadsClient,
 *   crypto: import("../../sdk/threads/worker_link.js").BlobCrypto}} BlobParts */

export class BlobView {
  #threadId;
  #parts;
  #cards = /** @type {BlobCard[]} */ ([]);

  /** @param {string} threadId @param {BlobParts} parts */
  constructor(threadId, parts) {
    this.#threadId = threadId;
    this.#parts = parts;
  }

  /** @param {Uint8Array} content of a message about one @returns {HTMLElement} */
  make(content) {
    try {
      const card = new BlobCard(this.#threadId, readBlobMessage(content), this.#parts);
      this.#cards.push(card);
      return card.element;
    } catch (/** @type {any} */ error) {
      return make("p", { class: "error" }, explainCode(error.code));
    }
  }

  /** What is under way ends, and no picture stays in memory. */
  close() {
    for (const card of this.#cards) card.close();
    this.#cards = [];
  }
}

class BlobCard {
  #told;
  #download;
  #isPicture;
  #isClosed = false;
  #url = "";
  #progress;
  #fault = make("p", { class: "error", role: "alert", hidden: true });
  #button = /** @type {HTMLButtonElement} */ (make("button", { type: "button", class: "small" }));
  element;

  /** @param {string} threadId @param {BlobMessage} told @param {BlobParts} parts */
  constructor(threadId, told, parts) {
    this.#told = told;
    this.#isPicture = PICTURES.has(told.type);
    this.#progress = make("progress", { max: 1, value: 0, hidden: true, "aria-label": `${told.name} 받는 중` });
    const onProgress = (/** @type {number} */ share) => {
      this.#progress.value = share;
    };
    this.#download = new BlobDownload(threadId, told, { ...parts, onProgress });
    this.#button.textContent = this.#isPicture ? "사진 보기" : "저장하기";
    this.#button.addEventListener("click", () => void this.#take());
    const title = make("p", { class: "file-name" }, told.name || "이름 없는 파일");
    const facts = make("p", { class: "hint" }, formatBytes(told.size));
    this.element = make("div", { class: "blob" }, title, facts, this.#progress, this.#fault, this.#button);
  }

  close() {
    this.#isClosed = true;
    this.#download.cancel();
    URL.revokeObjectURL(this.#url);
  }

  async #take() {
    if (this.#button.disabled) return;
    this.#button.disabled = true;
    setText(this.#fault, "");
    show(this.#progress);
    try {
      this.#give(await this.#download.run());
    } catch (/** @type {any} */ error) {
      if (!this.#isClosed) this.#showFault(error);
    } finally {
      show(this.#progress, false);
      this.#button.disabled = false;
    }
  }

  /** @param {Blob} blob */
  #give(blob) {
    if (this.#isClosed) return;
    // Never opened as a page of ours: what is no picture is saved, whatever it says that it is.
    this.#url ||= URL.createObjectURL(this.#isPicture ? blob : new Blob([blob], { type: "application/octet-stream" }));
    if (!this.#isPicture || this.element.querySelector("img")) return this.#save();
    const picture = make("img", { src: this.#url, alt: `받은 사진 ${this.#told.name}` });
    this.element.prepend(picture);
    this.#button.textContent = "저장하기";
  }

  #save() {
    make("a", { href: this.#url, download: this.#told.name || "file" }).click();
  }

  /** @param {any} error */
  #showFault(error) {
    setText(this.#fault, troubleOf(error).text);
    this.#button.textContent = WORDS.retry;
  }
}
