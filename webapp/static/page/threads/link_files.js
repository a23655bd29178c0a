/**
 * The files of a health link, made of what was chosen in a thread.
 * @module
 */

import { buildAttachment } from "../../sdk/shl/attachments.js";
import { buildSummary } from "../../sdk/shl/summary.js";
import { formatBytes } from "./words.js";

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
  if (files.length > MOST_FILES) return `사진과 PDF는 ${MOST_FILES}개까지 고를 수 있어요.`;
  const size = files.reduce((sum, file) => sum + file.size, 0);
  const [most, chosen] = [MOST_BYTES, size].map(formatBytes);
  return size > MOST_BYTES ? `사진과 PDF는 모두 더해서 ${most}까지 보여 줄 수 있어요. 지금은 ${chosen}예요.` : "";
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
