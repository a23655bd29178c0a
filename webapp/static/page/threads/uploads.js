/**
 * Larger things that are being sent: how far each is, and what the person can do about it.
 * @module
 */

import { BLOB_TYPE, writeBlobMessage } from "../../sdk/threads/blob_message.js";
import { BlobUpload } from "../../sdk/threads/blob_upload.js";
import { find, make, setText, show } from "../kit/dom.js";
import { WORDS } from "../kit/words.js";
import { formatBytes, troubleOf } from "./words.js";

/** @typedef {{client: import("../../sdk/threads/client.js").ThreadsClient,
 *   crypto: import("../../sdk/threads/worker_link.js").WorkerLink,
 *   sender: import("../../sdk/threads/sender.js").ThreadSender}} UploadParts */

export class Uploads {
  #parts;
  #rows = /** @type {Set<UploadRow>} */ (new Set());

  /** @param {UploadParts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @param {string} threadId @param {File} file */
  begin(threadId, file) {
    const row = new UploadRow(threadId, file, this.#parts, () => {
      this.#rows.delete(row);
      this.#show();
    });
    this.#rows.add(row);
    find("upload-rows").append(row.element);
    this.#show();
    void row.run();
  }

  /** The network is back. */
  goOn() {
    for (const row of this.#rows) row.goOn();
  }

  close() {
    for (const row of [...this.#rows]) row.cancel();
  }

  #show() {
    show(find("uploads"), this.#rows.size > 0);
  }
}

class UploadRow {
  #threadId;
  #file;
  #parts;
  #onEnd;
  #upload;
  #told = /** @type {import("../../sdk/threads/blob_message.js").BlobMessage|null} */ (null);
  #isCancelled = false;
  #mayGoOn = false;
  #progress;
  #state = make("p", { class: "hint", role: "status" });
  #fault = make("p", { class: "error", role: "alert", hidden: true });
  #retry = make("button", { type: "button", class: "small", hidden: true }, WORDS.retry);
  #cancel = make("button", { type: "button", class: "small" }, "취소");
  element;

  /** @param {string} threadId @param {File} file @param {UploadParts} parts @param {() => void} onEnd */
  constructor(threadId, file, parts, onEnd) {
    this.#threadId = threadId;
    this.#file = file;
    this.#parts = parts;
    this.#onEnd = onEnd;
    this.#progress = make("progress", { max: 1, value: 0, "aria-label": `${file.name} 보내는 중` });
    const { client, crypto } = parts;
    this.#upload = new BlobUpload(threadId, file, { client, crypto, onProgress: (share) => this.#showShare(share) });
    this.#retry.addEventListener("click", () => void this.run());
    this.#cancel.addEventListener("click", () => this.cancel());
    const title = make("p", { class: "file-name" }, file.name);
    const buttons = make("div", { class: "buttons" }, this.#retry, this.#cancel);
    this.element = make("li", { class: "row upload" }, title, this.#progress, this.#state, this.#fault, buttons);
    this.#showShare(0);
  }

  /** From where it stopped. */
  async run() {
    this.#mayGoOn = false;
    setText(this.#fault, "");
    show(this.#retry, false);
    try {
      this.#told ??= await this.#upload.run();
      if (this.#isCancelled) return;
      await this.#parts.sender.send(this.#threadId, writeBlobMessage(this.#told), { contentType: BLOB_TYPE });
    } catch (/** @type {any} */ error) {
      if (!this.#isCancelled) this.#showFault(error);
      return;
    }
    this.#end();
  }

  goOn() {
    if (this.#mayGoOn) void this.run();
  }

  cancel() {
    this.#isCancelled = true;
    this.#upload.cancel();
    this.#end();
  }

  /** @param {any} error */
  #showFault(error) {
    const hasChanged = error.name === "NotReadableError" || error.name === "NotFoundError";
    const text = hasChanged ? "고른 뒤에 파일이 바뀌었어요. 다시 골라 주세요." : troubleOf(error).text;
    setText(this.#fault, text);
    show(this.#retry, !hasChanged);
    this.#mayGoOn = error.retryable === true;
    if (!hasChanged) this.#retry.focus();
  }

  /** @param {number} share */
  #showShare(share) {
    this.#progress.value = share;
    this.#state.textContent = `${formatBytes(this.#file.size)} 가운데 ${Math.floor(share * 100)}%를 보냈어요.`;
  }

  #end() {
    this.element.remove();
    this.#onEnd();
  }
}
