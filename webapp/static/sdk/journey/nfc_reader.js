/**
 * Reads a tag of the hospital: by NFC, else its printed QR by the camera, else the short code that somebody types.
 * @module
 */

const LOOK_MILLISECONDS = 150;
const SHORT_CODE = /^[A-Z0-9]{4}-?[A-Z0-9]{4}$/;
const CODE = /^[A-Za-z0-9_-]{8,100}$/;
const NDEF_MAX = 1024;

/** @typedef {import("./client.js").Tag} Tag */
/** @typedef {"nfc"|"qr"|"typed"} Way */
/** What reads QR codes: the browser's, or a library of the same shape.
 * @typedef {new (options: {formats: string[]}) => {detect: (source: any) => Promise<{rawValue: string}[]>}} Detector */

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
    const scope = /** @type {any} */ (globalThis);
    const hasCamera = Boolean(scope.navigator?.mediaDevices?.getUserMedia);
    const readsQr = hasCamera && Boolean(scope.BarcodeDetector || this.#loadDetector);
    return [...(scope.NDEFReader ? ["nfc"] : []), ...(readsQr ? ["qr"] : []), "typed"].map(
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
    const detector = await this.#makeDetector();
    const camera = await openCamera();
    try {
      video.srcObject = camera;
      await video.play();
      while (!signal.aborted) {
        const tag = await lookForTag(detector, video);
        if (tag) return tag;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
      }
    } catch (error) {
      throw readError(error);
    } finally {
      for (const track of camera.getTracks()) track.stop();
      video.srcObject = null;
    }
    throw new TagReadError("failed", signal.reason);
  }

  /** @param {string} text @returns {Tag|null} null: that is no code of a tag */
  readTyped(text) {
    return tagOfTyped(text);
  }

  async #makeDetector() {
    const own = /** @type {any} */ (globalThis).BarcodeDetector;
    try {
      const formats = own ? await own.getSupportedFormats() : [];
      // Where the system's own reader is missing the class is there, and knows no format.
      const Detector = formats.includes("qr_code") ? own : await this.#loadDetector?.();
      return new Detector({ formats: ["qr_code"] });
    } catch (error) {
      throw new TagReadError("failed", error);
    }
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

/** The address on a tag, or in its QR: `https://{host}/t/{tag_code}`. @param {string} text @returns {string|null} */
export function codeOfAddress(text) {
  const [, code] = text.match(/^https?:\/\/[^/]+\/t\/([A-Za-z0-9_-]{8,100})\/?(?:[?#]|$)/) ?? [];
  return code ?? null;
}

/** @param {{serialNumber?: string, message?: {records: any[]}}} read @returns {Tag|null} */
export function tagOfNdef({ serialNumber, message }) {
  const addresses = (message?.records ?? [])
    .filter(({ recordType }) => recordType === "url" || recordType === "absolute-url")
    .map(({ data }) => new TextDecoder().decode(data));
  const address = addresses.find((one) => codeOfAddress(one) !== null);
  if (address) return { tag_code: /** @type {string} */ (codeOfAddress(address)), ...ndefOf(address), via: "nfc" };
  return serialNumber ? { tag_uid: serialNumber, via: "nfc" } : null;
}

/** A dynamic tag proves itself in its address. @param {string} address */
function ndefOf(address) {
  return address.includes("?") && address.length <= NDEF_MAX ? { ndef: address } : {};
}

/** @param {any} detector @param {HTMLVideoElement} video @returns {Promise<Tag|null>} */
async function lookForTag(detector, video) {
  if (video.readyState < 2) return null;
  const found = await detector.detect(video);
  const address = found
    .map((/** @type {any} */ { rawValue }) => rawValue)
    .find((/** @type {string} */ text) => codeOfAddress(text));
  return address ? { tag_code: /** @type {string} */ (codeOfAddress(address)), ...ndefOf(address), via: "qr" } : null;
}

async function openCamera() {
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  } catch (error) {
    throw readError(error);
  }
}

/** @param {any} error */
function readError(error) {
  if (error instanceof TagReadError) return error;
  const why = {
    NotAllowedError: "denied",
    SecurityError: "denied",
    NotFoundError: "absent",
    NotSupportedError: "absent",
  };
  return new TagReadError(/** @type {any} */ (why)[error?.name] ?? "failed", error);
}
