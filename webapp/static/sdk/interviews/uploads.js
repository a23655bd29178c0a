/**
 * Uploads under way as rows of the list: shown at once, and replaced by the interview that comes of them.
 * @module
 */

import { WelnoError } from "../core/errors.js";

const FILE_MAX_BYTES = 50 * 1024 * 1024;
const SHOWN_TITLE = 40;

/** @typedef {import("./client.js").Upload} Upload */
/** As the list shows it: `workflow_status` is `uploading`, `progress` from 0 to 1, `error` why it failed.
 * @typedef {{id: string, title: string, workflow_status: "uploading", progress: number, error: any, created_at: string,
 *   revision: 0}} UploadRow */
/** @typedef {{row: UploadRow, upload: Upload, key: string, abort: AbortController, interview: any|null}} Pending */

export class Uploads {
  #client;
  #projectId;
  #onChange;
  #pending = /** @type {Map<string, Pending>} */ (new Map());

  /** @param {import("./client.js").InterviewsClient} client @param {string} projectId @param {() => void} onChange */
  constructor(client, projectId, onChange) {
    this.#client = client;
    this.#projectId = projectId;
    this.#onChange = onChange;
  }

  /** Of those whose interview is not known yet, newest first. @returns {UploadRow[]} */
  get rows() {
    const shown = [...this.#pending.values()].filter(({ interview }) => interview === null);
    return shown.map(({ row }) => row).reverse();
  }

  /** @param {Upload} upload @returns {Promise<any|null>} the answer; null when it failed, its row says why */
  start(upload) {
    const key = crypto.randomUUID();
    const row = rowOf(`upload-${key}`, upload);
    this.#pending.set(row.id, { row, upload, key, abort: new AbortController(), interview: null });
    return this.#send(row.id);
  }

  /** One that failed, once more: as the same upload. @param {string} id */
  retry(id) {
    return this.#send(id);
  }

  /** The row goes; an upload that is under way is cut. @param {string} id */
  dismiss(id) {
    this.#pending.get(id)?.abort.abort();
    this.#pending.delete(id);
    this.#onChange();
  }

  /** The event comes before the answer, and may come before the browser has told that all was sent: the row that it is
   * about gives way. The answer puts a wrong guess right. @param {any} interview */
  recognise(interview) {
    if (interview.created_by !== this.#client.account?.id) return;
    const isOpen = (/** @type {Pending} */ { row, interview: known }) => known === null && row.error === null;
    const its = [...this.#pending.values()].filter(isOpen).find(({ upload }) => isSame(upload, interview));
    if (its) its.interview = interview;
  }

  /** @param {string} id @returns {Promise<any|null>} */
  async #send(id) {
    const pending = this.#pending.get(id);
    if (!pending) return null;
    this.#show(id, { progress: 0, error: null });
    try {
      checkSize(pending.upload);
      const { key, abort } = pending;
      const onProgress = (/** @type {number} */ progress) => this.#show(id, { progress });
      const answer = await this.#client.upload(this.#projectId, pending.upload, { key, onProgress, signal: abort.signal });
      this.#pending.delete(id);
      return answer;
    } catch (/** @type {any} */ error) {
      if (error.status === undefined) throw error;
      pending.interview = null; // what was taken for its own was another's
      this.#show(id, { error });
      return null;
    }
  }

  /** @param {string} id @param {Partial<UploadRow>} changed */
  #show(id, changed) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    pending.row = { ...pending.row, ...changed };
    this.#onChange();
  }
}

/** @param {string} id @param {Upload} upload @returns {UploadRow} */
function rowOf(id, { file, text = "", title }) {
  const shown = title || file?.name || text.trim().slice(0, SHOWN_TITLE);
  const created_at = new Date().toISOString();
  return { id, title: shown, workflow_status: "uploading", progress: 0, error: null, created_at, revision: 0 };
}

/** @param {Upload} upload @param {any} interview */
function isSame({ file }, { source, file_bytes }) {
  return file ? source === "file" && file_bytes === file.size : source === "text";
}

/** The server would refuse it, too, but only after most of it was sent. @param {Upload} upload */
function checkSize({ file }) {
  if (file && file.size > FILE_MAX_BYTES) {
    const message = "파일이 너무 커요. 50MB까지 올릴 수 있어요.";
    throw new WelnoError({ code: "FILE_TOO_LARGE", status: 413, message });
  }
}
