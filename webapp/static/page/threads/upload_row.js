/**
 * One larger thing that is being sent: how far it is, whether it goes on after this page, and what the person can do.
 * @module
 */

import { BLOB_TYPE, writeBlobMessage } from "../../sdk/threads/blob_message.js";
import { BlobUpload } from "../../sdk/threads/blob_upload.js";
import { make, setText, show } from "../kit/dom.js";
import { WORDS } from "../kit/words.js";
import { formatBytes, troubleOf, UPLOAD_FAULTS, UPLOAD_STATES } from "./words.js";

/** @typedef {import("../../sdk/threads/kept_uploads.js").KeptUpload} KeptUpload */
/** @typedef {import("../../sdk/threads/blob_upload.js").UploadState} UploadState */
/** @typedef {import("./uploads.js").UploadParts} UploadParts */
/** `onKept`: from now on it goes on after the page, too; `onEnd`: it waits in the outbox, or is given up.
 * @typedef {{name: string, onKept: () => void, onEnd: () => void, onRetry: () => void}} RowTraits */

export class UploadRow {
  #threadId;
  #size;
  #parts;
  #traits;
  #upload;
  #isResumed;
  #isKept;
  #isStopped = false;
  #mayGoOn = false;
  #progress;
  #thread;
  #state = make("p", { class: "hint", role: "status" }, UPLOAD_STATES.queued);
  #keeping = make("p", { class: "hint", hidden: true });
  #fault = make("p", { class: "error", role: "alert", hidden: true });
  #retry = make("button", { type: "button", class: "small", hidden: true }, WORDS.retry);
  #cancel = make("button", { type: "button", class: "small" }, "취소");
  element;

  /** @param {string} threadId @param {File|KeptUpload} content @param {UploadParts} parts @param {RowTraits} traits */
  constructor(threadId, content, parts, traits) {
    const { client, crypto, kept } = parts;
    const uploads = kept.isTabOnly ? null : kept;
    this.#threadId = threadId;
    this.#size = content.size;
    this.#parts = parts;
    this.#traits = traits;
    this.#isResumed = this.#isKept = !(content instanceof Blob);
    const onProgress = (/** @type {number} */ share) => this.#showShare(share);
    const onState = (/** @type {UploadState} */ state) => this.#showState(state);
    this.#upload = new BlobUpload(threadId, content, { client, crypto, uploads, onProgress, onState });
    this.#progress = make("progress", { max: 1, value: 0, "aria-label": `${traits.name} 보내는 중` });
    this.#thread = make("p", { hidden: true }, make("a", { href: `#${threadId}` }, `대화방 ${threadId.slice(0, 6)}`));
    this.#retry.addEventListener("click", traits.onRetry);
    this.#cancel.addEventListener("click", () => void this.giveUp());
    const title = make("p", { class: "file-name" }, traits.name);
    const buttons = make("div", { class: "buttons" }, this.#retry, this.#cancel);
    const lines = [title, this.#thread, this.#progress, this.#state, this.#keeping, this.#fault, buttons];
    this.element = make("li", { class: "row upload" }, ...lines);
  }

  get blobId() {
    return this.#upload.blobId;
  }

  get threadId() {
    return this.#threadId;
  }

  /** Other tabs, and later pages, know of it. */
  get isKept() {
    return this.#isKept;
  }

  /** It failed for a reason that may be over by now. */
  get mayGoOn() {
    return this.#mayGoOn;
  }

  /** Before its turn, while others are sent. */
  async prepare() {
    await this.#settle(() => this.#prepare());
  }

  /** From where it stopped; not where it has failed since it was queued. */
  async run() {
    if (this.#isStopped || !this.#fault.hidden) return;
    await this.#settle(async () => {
      this.#requireDevice();
      await this.#prepare();
      const told = await this.#upload.run();
      if (this.#isStopped) return;
      this.#requireDevice();
      await this.#send(writeBlobMessage(told));
      this.#end();
    });
  }

  /** It is queued once more. */
  clearFault() {
    this.#mayGoOn = false;
    setText(this.#fault, "");
    setText(this.#state, UPLOAD_STATES.queued);
    show(this.#retry, false);
  }

  /** Here alone: what is kept goes on elsewhere. */
  stop() {
    this.#isStopped = true;
    this.#upload.cancel();
    this.element.remove();
  }

  /** For good, in all tabs. Where the browser does not let go of what it keeps, the person is told so. */
  async giveUp() {
    this.#isStopped = true;
    this.#upload.cancel();
    try {
      if (this.#isKept) await this.#parts.kept.remove(this.blobId);
    } catch (/** @type {any} */ error) {
      return setText(this.#fault, troubleOf(error).text);
    }
    this.#end();
  }

  /** @param {string} openId of the thread beside which it is shown */
  showBeside(openId) {
    show(this.#thread, openId !== this.#threadId);
  }

  async #prepare() {
    const { isKept } = await this.#upload.prepare();
    if (this.#isStopped || this.#isResumed) return;
    const isNew = isKept && !this.#isKept;
    this.#isKept = isKept;
    setText(this.#keeping, isKept ? UPLOAD_STATES.kept : UPLOAD_STATES.notKept);
    setText(this.#state, UPLOAD_STATES.queued);
    if (isNew) this.#traits.onKept();
  }

  /** @param {() => Promise<void>} act */
  async #settle(act) {
    try {
      await act();
    } catch (/** @type {any} */ error) {
      if (this.#isStopped) return;
      if (error.name === "AbortError") this.#end(); // in another tab it was sent, or given up
      else this.#showFault(error);
    }
  }

  /** Whoever opens the page anew has not asked for the thread's keys yet. @param {Uint8Array<ArrayBuffer>} message */
  async #send(message) {
    const { sender, ensureKeys } = this.#parts;
    const { uploadId } = this.#upload;
    const send = () => sender.send(this.#threadId, message, { contentType: BLOB_TYPE, uploadId });
    try {
      await send();
    } catch (/** @type {any} */ error) {
      if (error.code !== "UNKNOWN_KEY") throw error;
      await ensureKeys(this.#threadId);
      await send();
    }
  }

  /** Nobody takes an envelope of a device that was revoked. */
  #requireDevice() {
    if (this.#parts.isRevoked()) throw Object.assign(new Error("the device was revoked"), { name: "RevokedError" });
  }

  /** @param {any} error */
  #showFault(error) {
    const isHalfKept = error.name === "NotReadableError" && this.#isResumed;
    const final = UPLOAD_FAULTS[isHalfKept ? "HalfKeptError" : error.name];
    setText(this.#fault, final ?? troubleOf(error).text);
    if (final) {
      for (const line of [this.#state, this.#keeping]) setText(line, "");
      this.#cancel.textContent = "지우기";
    }
    show(this.#retry, !final);
    this.#mayGoOn = error.retryable === true;
    if (!final && !this.#isResumed) this.#retry.focus();
  }

  /** @param {UploadState} state */
  #showState(state) {
    if (this.#isResumed) setText(this.#keeping, state === "sending" ? UPLOAD_STATES.resumed : "");
    if (state === "sending") this.#showShare(this.#progress.value);
    else setText(this.#state, UPLOAD_STATES[state]);
  }

  /** @param {number} share */
  #showShare(share) {
    this.#progress.value = share;
    setText(this.#state, `${formatBytes(this.#size)} 가운데 ${Math.floor(share * 100)}%를 보냈어요.`);
  }

  #end() {
    this.#isStopped = true;
    this.element.remove();
    this.#traits.onEnd();
  }
}
