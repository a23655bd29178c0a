/**
 * A file that is encrypted once and for all before any of it is sent: kept in this browser where that takes it, else in
 * the page's memory.
 * @module
 */

import { StoreError } from "../core/storage.js";
import { CHUNK_BYTES, countParts, makeBlobKey } from "./blob_chunks.js";
import { describeFile } from "./blob_message.js";

/** @typedef {import("./encoding.js").Bytes} Bytes */
/** @typedef {import("./kept_uploads.js").KeptUploads} KeptUploads */
/** @typedef {import("./kept_uploads.js").KeptUpload} KeptUpload */
/** @typedef {import("./blob_chunks.js").BlobPlan & {name: string, type: string}} FilePlan */
/** Of `UploadCrypto` what is kept alone needs. @typedef {import("./worker_link.js").BlobCrypto & import("./worker_link.js").UploadCrypto} SealingCrypto */
/** `isKept`: it is here after the page, too; `readPart` gives what is sent as a part, from 0.
 * @typedef {{plan: FilePlan, sealedHash: string, isKept: boolean, readPart: (part: number) => Promise<Blob>}} SealedFile */

/**
 * Each chunk meets the key once: what is sent a second time are the bytes of before, and who fails here begins again
 * under another key.
 * @param {{threadId: string, blobId: string, file: File}} chosen
 * @param {{crypto: SealingCrypto, uploads: KeptUploads|null, signal: AbortSignal}} options
 * @returns {Promise<SealedFile>} rejects with a NotReadableError where the file has changed since it was chosen, with an
 *   AbortError where it was given up
 */
export async function sealFile({ threadId, blobId, file }, { crypto: worker, uploads, signal }) {
  const about = describeFile(file.name, file.type);
  const plan = { threadId, blobId, key: makeBlobKey(), size: file.size, chunkBytes: CHUNK_BYTES, ...about };
  const isBegun = uploads !== null && (await orMemory(() => begin(plan, worker, uploads)));
  try {
    const parts = [];
    for (let part = 0; part < countParts(plan); part += 1) {
      signal.throwIfAborted();
      parts.push(await worker.sealBlobPart(plan, file, part));
    }
    const sealedHash = await worker.hashBlob(new Blob(parts));
    signal.throwIfAborted();
    if (isBegun && (await orMemory(() => fill(uploads, blobId, parts, sealedHash)))) return keptFile(plan, sealedHash, uploads);
    if (isBegun) await uploads.remove(blobId).catch(forgetStoreError);
    return { plan, sealedHash, isKept: false, readPart: async (part) => new Blob([parts[part]]) };
  } catch (error) {
    if (isBegun) await uploads.remove(blobId).catch(forgetStoreError);
    throw error;
  }
}

/** What a page of before has kept. @param {string} blobId @param {{crypto: SealingCrypto, uploads: KeptUploads}} options
 * @returns {Promise<SealedFile>} rejects with a NotReadableError where that page was closed before all was kept, with an
 *   AbortError where it was sent or given up meanwhile, with a DisbelievedError where it does not open */
export async function openKeptFile(blobId, { crypto: worker, uploads }) {
  const kept = await uploads.find(blobId);
  if (!kept) throw gone();
  if (kept.sealedHash === null) throw new DOMException("its page was closed before all was kept", "NotReadableError");
  const { threadId, size, chunkBytes } = kept;
  const secret = await worker.openUpload(kept);
  return keptFile({ threadId, blobId, size, chunkBytes, ...secret }, kept.sealedHash, uploads);
}

/** @param {FilePlan} plan @param {string} sealedHash @param {KeptUploads} uploads @returns {SealedFile} */
function keptFile(plan, sealedHash, uploads) {
  const readPart = async (/** @type {number} */ part) => {
    const bytes = await uploads.part(plan.blobId, part);
    if (bytes === null) throw gone();
    return new Blob([bytes]);
  };
  return { plan, sealedHash, isKept: true, readPart };
}

/** @param {FilePlan} plan @param {SealingCrypto} worker @param {KeptUploads} uploads */
async function begin({ threadId, blobId, size, chunkBytes, key, name, type }, worker, uploads) {
  const place = { threadId, blobId, size, chunkBytes };
  const sealed = await worker.sealUpload(place, { key, name, type });
  await uploads.begin({ ...place, sealedHash: null, sealed });
}

/** @param {KeptUploads} uploads @param {string} blobId @param {Bytes[]} parts @param {string} sealedHash */
async function fill(uploads, blobId, parts, sealedHash) {
  if (!(await uploads.fill(blobId, parts, sealedHash))) throw gone();
}

/** Whether the store took it: one that is full, or forbidden, keeps nobody from sending.
 * @param {() => Promise<void>} keep */
async function orMemory(keep) {
  try {
    await keep();
    return true;
  } catch (error) {
    forgetStoreError(error);
    return false;
  }
}

/** @param {unknown} error */
function forgetStoreError(error) {
  if (!(error instanceof StoreError)) throw error;
}

/** Sent or given up, by another tab or here. */
export const gone = () => new DOMException("it was sent or given up meanwhile", "AbortError");
