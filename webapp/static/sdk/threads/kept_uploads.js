/**
 * Larger things that are being sent, as this browser keeps them until their envelopes wait in the outbox: their encrypted
 * parts as they are sent, and their keys and names sealed. Who loads the page anew goes on from them.
 * @module
 */

import { settled } from "../core/storage.js";
import { countParts } from "./blob_chunks.js";

const UPLOADS = "keptUploads"; // in `meta`, in the order in which they were begun

/** @typedef {import("./encoding.js").Bytes} Bytes */
/** What nobody else may read of it. @typedef {{key: string, name: string, type: string}} UploadSecret */
/** `sealed` is its UploadSecret; `sealedHash` is null until all parts are here.
 * @typedef {{blobId: string, threadId: string, size: number, chunkBytes: number, sealedHash: string|null,
 *   sealed: import("../core/sealing.js").Sealed}} KeptUpload */

export class KeptUploads {
  #database;

  /** @param {import("./database.js").ThreadsDatabase} database the member's */
  constructor(database) {
    this.#database = database;
  }

  /** Of which database. */
  get name() {
    return this.#database.name;
  }

  /** By which channels of all tabs that share it are named. */
  get scope() {
    return this.#database.scope;
  }

  /** Whether it goes with its tab: then nothing is won by it. */
  get isTabOnly() {
    return this.#database.isTabOnly;
  }

  /** @returns {Promise<KeptUpload[]>} */
  list() {
    return this.#database.read(["meta"], ({ meta }) => listKept(meta));
  }

  /** @param {string} blobId @returns {Promise<KeptUpload|null>} null where it was sent, or given up, in whichever tab */
  async find(blobId) {
    return (await this.list()).find((one) => one.blobId === blobId) ?? null;
  }

  /** Before its parts, so that one whose page is closed too early can be told of. @param {KeptUpload} upload
   * @returns {Promise<void>} */
  begin(upload) {
    return this.#database.write(["meta"], async ({ meta }) => void meta.put([...(await listKept(meta)), upload], UPLOADS));
  }

  /** All or nothing, on the disk when this resolves. @param {string} blobId @param {Bytes[]} parts @param {string} sealedHash
   * @returns {Promise<boolean>} false: it was given up meanwhile */
  fill(blobId, parts, sealedHash) {
    const fill = async (/** @type {import("./database.js").Stores} */ { meta }) => {
      const kept = await listKept(meta);
      if (!kept.some((one) => one.blobId === blobId)) return false;
      for (const [part, bytes] of parts.entries()) meta.put(bytes, partName(blobId, part));
      meta.put(kept.map((one) => (one.blobId === blobId ? { ...one, sealedHash } : one)), UPLOADS);
      return true;
    };
    return this.#database.write(["meta"], fill, { isStrict: true });
  }

  /** @param {string} blobId @param {number} part from 0 @returns {Promise<Bytes|null>} null where it is gone */
  async part(blobId, part) {
    return (await this.#database.read(["meta"], ({ meta }) => settled(meta.get(partName(blobId, part))))) ?? null;
  }

  /** Given up. @param {string} blobId @returns {Promise<void>} */
  async remove(blobId) {
    await this.#database.write(["meta"], ({ meta }) => removeKept(meta, blobId), { isStrict: true });
  }

  /** All of them. @returns {Promise<void>} */
  clear() {
    const clear = async (/** @type {import("./database.js").Stores} */ { meta }) => {
      for (const { blobId } of await listKept(meta)) await removeKept(meta, blobId);
    };
    return this.#database.write(["meta"], clear, { isStrict: true });
  }
}

/** Within a transaction. @param {IDBObjectStore} meta @param {string} blobId
 * @returns {Promise<boolean>} false: there was none */
export async function removeKept(meta, blobId) {
  const kept = await listKept(meta);
  const found = kept.find((one) => one.blobId === blobId);
  if (!found) return false;
  for (let part = 0; part < countParts(found); part += 1) meta.delete(partName(blobId, part));
  await settled(meta.put(kept.filter((one) => one !== found), UPLOADS));
  return true;
}

/** Within a transaction. @param {IDBObjectStore} meta @returns {Promise<KeptUpload[]>} */
async function listKept(meta) {
  return (await settled(meta.get(UPLOADS))) ?? [];
}

/** @param {string} blobId @param {number} part */
const partName = (blobId, part) => `keptUploadPart:${blobId}:${part}`;
