/**
 * What of a thread's messages a health link may show: records that the service sent, pictures and PDFs.
 * @module
 */

import { BLOB_TYPE, readBlobMessage } from "../../sdk/threads/blob_message.js";
import { PICTURES } from "../kit/pictures.js";
import { pictureName, SERVICE_MEMBER } from "./words.js";

const RECORDS = new Set(["checkups", "prescriptions"]); // the report has no place in the document
const PDF = "application/pdf";

/** @typedef {import("../../sdk/threads/receiver.js").Delivered} Delivered */
/** @typedef {import("../../sdk/threads/blob_message.js").BlobMessage} BlobMessage */
/** `record` as it is stored. @typedef {{key: string, kind: string, id: string, updatedAt: string, record: any}} SentRecord */
/** `bytes` or, of a larger one, what was `told` of it. @typedef {{key: string, name: string, type: string, size: number,
 *   from: string, sentAt: string, bytes: Uint8Array|null, told: BlobMessage|null}} ThreadFile */

export class LinkMaterial {
  #records = /** @type {Map<string, SentRecord>} */ (new Map());
  #files = /** @type {Map<string, ThreadFile>} */ (new Map());
  #isComplete = false;
  #onChange = () => {};

  /** @param {() => void} onChange */
  watch(onChange) {
    this.#onChange = onChange;
  }

  /** Whether all that this browser has of the thread, as far as it is shown, is here. */
  get isComplete() {
    return this.#isComplete;
  }

  noteComplete() {
    this.#isComplete = true;
    this.#onChange();
  }

  /** Each once, as it was sent last. */
  get records() {
    return [...this.#records.values()];
  }

  get files() {
    return [...this.#files.values()];
  }

  /** Anybody can write what looks like a record: only the service has them of the provider.
   * @param {any} told of a message @param {string|null} from */
  addRecord({ kind, id, updatedAt, record }, from) {
    if (from !== SERVICE_MEMBER || !RECORDS.has(kind)) return;
    const key = `${kind}/${id}`;
    if ((this.#records.get(key)?.updatedAt ?? "") > updatedAt) return;
    this.#records.set(key, { key, kind, id, updatedAt, record });
    this.#onChange();
  }

  /** @param {Delivered} delivered */
  add({ seq, from, content, receivedAt, envelope }) {
    const file = content && fileOf(envelope?.contentType ?? "", content, receivedAt);
    if (!file) return;
    this.#files.set(`file/${seq}`, { key: `file/${seq}`, from: from ?? "", sentAt: receivedAt, ...file });
    this.#onChange();
  }
}

/** @param {string} contentType @param {Uint8Array} content @param {string} receivedAt
 * @returns {Pick<ThreadFile, "name"|"type"|"size"|"bytes"|"told">|null} null for what is neither picture nor PDF */
function fileOf(contentType, content, receivedAt) {
  if (PICTURES.has(contentType)) {
    const [, ending] = contentType.split("/");
    const name = pictureName(receivedAt.slice(0, "2026-11-26".length), ending);
    return { name, type: contentType, size: content.length, bytes: content, told: null };
  }
  const told = contentType === BLOB_TYPE ? readQuietly(content) : null;
  if (!told || !(PICTURES.has(told.type) || told.type === PDF)) return null;
  return { name: told.name, type: told.type, size: told.size, bytes: null, told };
}

/** One that is not believed says so in its message. @param {Uint8Array} content */
function readQuietly(content) {
  try {
    return readBlobMessage(content);
  } catch {
    return null;
  }
}
