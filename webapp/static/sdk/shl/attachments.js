/**
 * Files that are no records, such as pictures and PDFs, as FHIR R4: a DocumentReference whose attachment is the file.
 * @module
 */

import { encodeBase64url } from "../core/base64url.js";
import { textOf } from "./fhir_elements.js";

const UNKNOWN_TYPE = "application/octet-stream";
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** `data`: base64. @typedef {{name: string, type: string, data: string}} Attachment */
/** `sentAt`: ISO 8601. @typedef {{name?: string, type?: string, bytes: Uint8Array, sentAt?: string}} SentFile */

/** @param {SentFile} file @returns {any} a DocumentReference */
export function buildAttachment({ name, type, bytes, sentAt }) {
  const title = textOf(name);
  const attachment = {
    contentType: textOf(type) || UNKNOWN_TYPE,
    data: encodeBase64(bytes),
    size: bytes.length,
    ...(title ? { title } : {}),
  };
  return {
    resourceType: "DocumentReference",
    status: "current",
    ...(sentAt ? { date: new Date(sentAt).toISOString() } : {}),
    content: [{ attachment }],
  };
}

/** The files that stand in a resource itself, ours or others': of those at an address nothing is fetched.
 * @param {any} resource @returns {Attachment[]} */
export function readAttachments(resource) {
  const { resourceType, content, presentedForm } = resource;
  if (resourceType === "Binary") return read([resource]);
  if (resourceType === "DiagnosticReport") return read(presentedForm ?? []);
  if (resourceType !== "DocumentReference") return [];
  return read((content ?? []).map((/** @type {any} */ one) => one?.attachment));
}

/** @param {any[]} told @returns {Attachment[]} */
function read(told) {
  return told.flatMap((one) => {
    const data = typeof one?.data === "string" ? one.data.replace(/\s/g, "") : "";
    if (data.length % 4 !== 0 || !BASE64.test(data)) return [];
    return [{ name: textOf(one.title), type: textOf(one.contentType).toLowerCase() || UNKNOWN_TYPE, data }];
  });
}

/** @param {Uint8Array} bytes */
function encodeBase64(bytes) {
  const letters = encodeBase64url(bytes).replaceAll("-", "+").replaceAll("_", "/");
  return letters.padEnd(Math.ceil(letters.length / 4) * 4, "=");
}
