/**
 * Reads a tag of the hospital: by NFC, else its printed QR by the camera, else the short code that somebody types.
 * @module
 */

import { CameraError, canReadQr, readQr, whyOf } from "../core/qr_camera.js";
import { codeOfAddress, pairOfAddress } from "./tag_address.js";

const SHORT_CODE = /^[A-Z0-9]{4}-?[A-Z0-9]{4}$/;
const CODE = /^[A-Za-z0-9_-]{8,100}$/;

/** @typedef {import("./client.js").Tag} Tag */
/** @typedef {"nfc"|"qr"|"typed"} Way */
/** @typedef {import("../core/qr_camera.js").Detector} Detector */

/** Why a tag cannot be read: `denied` by the person or the system, `absent` without a device, `failed` otherwise. */
export class TagReadError extends Error {
  /** @param {"denied"|"absent"|"failed"} why @param {unknown} [cause] */
  constructor(why, cause) {
    super(`no tag could be read: ${why}`, { cause });
    this.name = "TagReadError";
    this.why = why;
  }
}

export class NfcReader {
  #loadDetector;

  /** @param {{loadDetector?: () => Promise<Detector>}} [options] for browsers without a BarcodeDetector */
  constructor({ loadDetector } = {}) {
    this.#loadDetector = loadDetector ?? null;
  }

  /** The ways in, in the order in which this phone can. @returns {Way[]} */
  get ways() {
    const hasNfc = Boolean(/** @type {any} */ (globalThis).NDEFReader);
    return [...(hasNfc ? ["nfc"] : []), ...(canReadQr(this.#loadDetector) ? ["qr"] : []), "typed"].map(
      (way) => /** @type {Way} */ (way),
    );
  }

  /** Waits for a tag at the phone's back; needs a press of a button. @param {AbortSignal} signal ends it
   * @returns {Promise<Tag>} rejects with a TagReadError */
  async readNfc(signal) {
    const reader = new /** @type {any} */ (globalThis).NDEFReader();
    return new Promise((resolve, reject) => {
      reader.onreading = (/** @type {any} */ event) => {
        const tag = tagOfNdef(event);
        if (tag) resolve(tag);
      };
      signal.addEventListener("abort", () => reject(new TagReadError("failed", signal.reason)), { once: true });
      reader.scan({ signal }).catch((/** @type {any} */ error) => reject(readError(error)));
    });
  }

  /** Looks through the camera until it sees a tag's code. @param {HTMLVideoElement} video shows what it sees
   * @param {AbortSignal} signal ends it @returns {Promise<Tag>} rejects with a TagReadError */
  async readQr(video, signal) {
    try {
      return await readQr(video, { read: tagOfQr, signal, loadDetector: this.#loadDetector });
    } catch (error) {
      throw readError(error);
    }
  }

  /** @param {string} text @returns {Tag|null} null: that is no code of a tag */
  readTyped(text) {
    return tagOfTyped(text);
  }
}

/** A code as it is printed, with or without its dash. @param {string} text @returns {Tag|null} */
export function tagOfTyped(text) {
  const typed = text.trim();
  const short = typed.toUpperCase();
  if (SHORT_CODE.test(short))
    return { tag_code: short.includes("-") ? short : `${short.slice(0, 4)}-${short.slice(4)}`, via: "typed" };
  return CODE.test(typed) ? { tag_code: typed, via: "typed" } : null;
}

/** @param {{serialNumber?: string, message?: {records: any[]}}} read @returns {Tag|null} */
export function tagOfNdef({ serialNumber, message }) {
  const addresses = (message?.records ?? [])
    .filter(({ recordType }) => recordType === "url" || recordType === "absolute-url")
    .map(({ data }) => new TextDecoder().decode(data));
  const address = addresses.find((one) => codeOfAddress(one) !== null);
  if (address) return { tag_code: /** @type {string} */ (codeOfAddress(address)), ...pairOfAddress(address), via: "nfc" };
  return serialNumber ? { tag_uid: serialNumber, via: "nfc" } : null;
}

/** @param {string} address @returns {Tag|null} */
function tagOfQr(address) {
  const code = codeOfAddress(address);
  return code === null ? null : { tag_code: code, ...pairOfAddress(address), via: "qr" };
}

/** @param {any} error */
function readError(error) {
  if (error instanceof TagReadError) return error;
  return error instanceof CameraError ? new TagReadError(error.why, error.cause) : new TagReadError(whyOf(error), error);
}
