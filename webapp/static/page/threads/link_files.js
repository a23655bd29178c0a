/**
 * The files of a health link, made of what was chosen in a thread.
 * @module
 */

import { buildAttachment } from "../../sdk/shl/attachments.js";
import { buildSummary } from "../../sdk/shl/summary.js";
import { tooLargeFiles, tooManyFiles } from "./words.js";

const CONTENT_TYPE = "application/fhir+json";
// In base64 and encrypted they are a third longer, and the server takes 5 MiB with the records.
const MOST_BYTES = 3 * 1024 * 1024;
const MOST_FILES = 19; // of 20, beside the records

/** @typedef {import("./link_material.js").SentRecord} SentRecord */
/** @typedef {import("./link_material.js").ThreadFile} ThreadFile */
/** @typedef {import("../../sdk/shl/client.js").PlainFile} PlainFile */
/** @typedef {{records: SentRecord[], files: ThreadFile[]}} Chosen */

/** @param {ThreadFile[]} files @returns {string} what is wrong with so many, or "" */
export function faultOfFiles(files) {
  if (files.length > MOST_FILES) return tooManyFiles(MOST_FILES);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return size > MOST_BYTES ? tooLargeFiles(MOST_BYTES, size) : "";
}

/** Records as one document, each file for itself. @param {Chosen} chosen
 * @param {import("../../sdk/shl/summary.js").Records["person"]} person whose records they are
 * @param {(told: import("./link_material.js").BlobMessage) => Promise<Blob>} readBlob @returns {Promise<PlainFile[]>} */
export async function buildLinkFiles({ records, files }, person, readBlob) {
  const of = (/** @type {string} */ kind) => records.filter((one) => one.kind === kind).map(asStored);
  const summary = { person, checkups: of("checkups"), treatments: of("prescriptions") };
  const built = records.length > 0 ? [plainFile(buildSummary(summary))] : [];
  // One after the other: each may be megabytes.
  for (const { name, type, sentAt, bytes, told } of files) {
    const content = told ? new Uint8Array(await (await readBlob(told)).arrayBuffer()) : (bytes ?? new Uint8Array());
    built.push(plainFile(buildAttachment({ name, type, sentAt, bytes: content })));
  }
  return built;
}

/** @param {SentRecord} sent */
const asStored = ({ id, updatedAt, record }) => ({ ...record, id, collectedAt: updatedAt });

/** @param {any} resource @returns {PlainFile} */
const plainFile = (resource) => ({ contentType: CONTENT_TYPE, text: JSON.stringify(resource) });
