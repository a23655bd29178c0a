/**
 * Larger things that are being sent, one after the other in the order in which they were chosen: by this page, and by
 * those of before that were closed too early.
 * @module
 */

import { openChannel } from "../../sdk/core/tabs.js";
import { find, setText, show } from "../kit/dom.js";
import { UploadRow } from "./upload_row.js";

const CHANNEL = "welno.threads.uploads:";
const NAMELESS = "파일";

/** @typedef {import("../../sdk/threads/kept_uploads.js").KeptUpload} KeptUpload */
/** `kept` as in the member's database; `onKept`: something is from now on; `ensureKeys` asks for a thread's keys.
 * @typedef {{client: import("../../sdk/threads/client.js").ThreadsClient,
 *   crypto: import("../../sdk/threads/worker_link.js").WorkerLink,
 *   sender: import("../../sdk/threads/sender.js").ThreadSender,
 *   kept: import("../../sdk/threads/kept_uploads.js").KeptUploads, isRevoked: () => boolean,
 *   ensureKeys: (threadId: string) => Promise<unknown>, onKept: () => void}} UploadParts */

export class Uploads {
  #parts;
  #rows = /** @type {Map<string, UploadRow>} */ (new Map()); // by blobId
  #queue = /** @type {Promise<void>} */ (Promise.resolve());
  #openId = "";
  #isClosed = false;
  #channel;

  /** @param {UploadParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#channel = openChannel(CHANNEL + parts.kept.scope);
    this.#channel?.addEventListener("message", () => void this.resume());
  }

  get count() {
    return this.#rows.size;
  }

  /** @param {string} threadId @param {File} file */
  begin(threadId, file) {
    const row = this.#add(threadId, file, file.name);
    void row.prepare();
    this.#enqueue(row);
  }

  /** What is kept and is not shown yet; what is not kept any more goes. */
  async resume() {
    const kept = await this.#parts.kept.list().catch(() => null);
    if (kept === null || this.#isClosed) return; // the store does not answer; what is shown goes on as it can
    const there = new Set(kept.map(({ blobId }) => blobId));
    for (const row of [...this.#rows.values()]) if (row.isKept && !there.has(row.blobId)) this.#drop(row);
    for (const one of kept) await this.#resume(one);
  }

  /** The network is back. */
  goOn() {
    for (const row of this.#rows.values()) if (row.mayGoOn) this.#retry(row);
  }

  /** By the person's word. @param {string} threadId */
  async leaveThread(threadId) {
    const rows = [...this.#rows.values()].filter((row) => row.threadId === threadId);
    await Promise.all(rows.map((row) => row.giveUp()));
  }

  /** @param {string} threadId beside which they are shown; empty: none */
  open(threadId) {
    this.#openId = threadId;
    for (const row of this.#rows.values()) row.showBeside(threadId);
  }

  /** Whoever was here has signed out: nothing of it stays. @returns {Promise<void>} rejects with a StoreError */
  forget() {
    this.close();
    return this.#parts.kept.clear(); // other tabs that send it find that it is gone
  }

  /** What is kept goes on with the next page. */
  close() {
    this.#isClosed = true;
    this.#channel?.close();
    for (const row of this.#rows.values()) row.stop();
    this.#rows.clear();
    this.#show();
  }

  /** @param {KeptUpload} kept */
  async #resume(kept) {
    const known = await this.#parts.crypto.openUpload(kept).catch(() => null); // told by the row itself
    if (this.#isClosed || this.#rows.has(kept.blobId)) return;
    this.#enqueue(this.#add(kept.threadId, kept, known?.name || NAMELESS));
  }

  /** @param {string} threadId @param {File|KeptUpload} content @param {string} name */
  #add(threadId, content, name) {
    const row = new UploadRow(threadId, content, this.#parts, {
      name,
      onKept: () => {
        this.#tell();
        this.#parts.onKept();
      },
      onEnd: () => {
        this.#drop(row);
        this.#tell();
      },
      onRetry: () => this.#retry(row),
    });
    this.#rows.set(row.blobId, row);
    find("upload-rows").append(row.element);
    row.showBeside(this.#openId);
    this.#show();
    return row;
  }

  /** One that fails keeps the next ones from nothing. @param {UploadRow} row */
  #enqueue(row) {
    this.#queue = this.#queue.then(() => row.run());
  }

  /** @param {UploadRow} row */
  #retry(row) {
    row.clearFault();
    this.#enqueue(row);
  }

  /** @param {UploadRow} row */
  #drop(row) {
    row.stop();
    this.#rows.delete(row.blobId);
    this.#show();
  }

  /** Other tabs. */
  #tell() {
    if (!this.#isClosed) this.#channel?.postMessage("changed");
  }

  #show() {
    show(find("uploads"), this.#rows.size > 0);
    setText(find("uploading"), this.#rows.size > 0 ? `보내는 파일 ${this.#rows.size}개` : "");
  }
}
