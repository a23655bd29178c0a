/**
 * A patient's own SMART Health Links: making, replacing files, ending, and who came.
 * @module
 */

import { decodeBase64url, encodeBase64url } from "../core/base64url.js";
import { HttpClient } from "../core/client.js";
import { encryptFile, KEY_BYTES } from "./jwe.js";
import { writeLink } from "./links.js";

const TIMEOUT_MILLISECONDS = 60_000; // megabytes over a phone's line

/** @typedef {{contentType: "application/fhir+json"|"application/smart-health-card", text: string}} PlainFile */
/** `exp`: seconds of Unix time. `direct`: a single file, which is got without a manifest (flag `U`).
 * @typedef {{label?: string, exp?: number, passcode?: string, longTerm?: boolean, direct?: boolean, viewer?: string}} LinkWishes */

export class HealthLinksClient extends HttpClient {
  /** @param {import("../core/client.js").ClientOptions} [options] */
  constructor({ baseUrl = "/api/shl", timeoutMilliseconds = TIMEOUT_MILLISECONDS, ...options } = {}) {
    super({ baseUrl, timeoutMilliseconds, ...options });
  }

  /** Encrypts the files under a fresh key, which goes nowhere but into the link.
   * @param {PlainFile[]} files @param {LinkWishes} [wishes] @returns {Promise<{id: string, link: string}>} */
  async make(files, { label, exp, passcode, longTerm = false, direct = false, viewer } = {}) {
    const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    const body = { files: await encryptAll(key, files), label, exp, passcode, longTerm };
    const { id, url } = await this.request("POST", "", { body });
    const flag = [longTerm && "L", passcode && "P", direct && !passcode && files.length === 1 && "U"].filter(Boolean).join("");
    return { id, link: writeLink({ url, flag, key: encodeBase64url(key), exp, label }, viewer) };
  }

  /** All files of a link, under its key. @param {string} id @param {string} key of its payload @param {PlainFile[]} files */
  async replaceFiles(id, key, files) {
    const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (decodeBase64url(key));
    return this.request("PUT", `${pathOf(id)}/files`, { body: { files: await encryptAll(bytes, files) } });
  }

  /** @param {string} id */
  end(id) {
    return this.request("DELETE", pathOf(id));
  }

  /** Newest first, with who came when. @returns {Promise<any[]>} */
  async list() {
    return (await this.request("GET", "")).links;
  }
}

/** @param {Uint8Array<ArrayBuffer>} key @param {PlainFile[]} files */
function encryptAll(key, files) {
  return Promise.all(
    files.map(async ({ contentType, text }) => ({
      contentType,
      jwe: await encryptFile(key, text, contentType, { deflate: true }),
    })),
  );
}

/** @param {string} id */
const pathOf = (id) => `/${encodeURIComponent(id)}`;
