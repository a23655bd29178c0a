/**
 * Looks through the camera until it sees a QR code that somebody waits for.
 * @module
 */

const LOOK_MILLISECONDS = 150;
/** @type {Record<string, "denied"|"absent">} */
const REASONS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "absent",
  NotSupportedError: "absent",
};

/** What reads QR codes: the browser's, or a library of the same shape.
 * @typedef {new (options: {formats: string[]}) => {detect: (source: any) => Promise<{rawValue: string}[]>}} Detector */
/** Why nothing is seen: `denied` by the person or the system, `absent` without a device, `failed` otherwise.
 * @typedef {"denied"|"absent"|"failed"} Why */

export class CameraError extends Error {
  /** @param {Why} why @param {unknown} [cause] */
  constructor(why, cause) {
    super(`nothing could be seen: ${why}`, { cause });
    this.name = "CameraError";
    this.why = why;
  }
}

/** By the name of what a device refused with. @param {any} error @returns {Why} */
export const whyOf = (error) => REASONS[error?.name] ?? "failed";

/** @param {(() => Promise<Detector>)|null} [loadDetector] for browsers without a BarcodeDetector */
export function canReadQr(loadDetector = null) {
  const scope = /** @type {any} */ (globalThis);
  return Boolean(scope.navigator?.mediaDevices?.getUserMedia) && Boolean(scope.BarcodeDetector || loadDetector);
}

/**
 * The camera is put out when it ends, however that is.
 * @template Read @param {HTMLVideoElement} video shows what it sees
 * @param {{read: (text: string) => Read|null, signal: AbortSignal, loadDetector?: (() => Promise<Detector>)|null}} how
 *   `read`: null of a code that is another's; `signal` ends it
 * @returns {Promise<Read>} rejects with a CameraError
 */
export async function readQr(video, { read, signal, loadDetector = null }) {
  const detector = await makeDetector(loadDetector);
  const camera = await openCamera();
  try {
    video.srcObject = camera;
    await video.play();
    while (!signal.aborted) {
      const found = await look(detector, video, read);
      if (found !== null) return found;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    }
  } catch (error) {
    throw new CameraError(whyOf(error), error);
  } finally {
    for (const track of camera.getTracks()) track.stop();
    video.srcObject = null;
  }
  throw new CameraError("failed", signal.reason);
}

/** @param {(() => Promise<Detector>)|null} loadDetector */
async function makeDetector(loadDetector) {
  const own = /** @type {any} */ (globalThis).BarcodeDetector;
  try {
    const formats = own ? await own.getSupportedFormats() : [];
    // Where the system's own reader is missing the class is there, and knows no format.
    const Detector = formats.includes("qr_code") ? own : await loadDetector?.();
    return new Detector({ formats: ["qr_code"] });
  } catch (error) {
    throw new CameraError("failed", error);
  }
}

async function openCamera() {
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  } catch (error) {
    throw new CameraError(whyOf(error), error);
  }
}

/** @template Read @param {any} detector @param {HTMLVideoElement} video @param {(text: string) => Read|null} read
 * @returns {Promise<Read|null>} */
async function look(detector, video, read) {
  if (video.readyState < 2) return null;
  const seen = await detector.detect(video);
  for (const { rawValue } of seen) {
    const found = read(rawValue);
    if (found !== null) return found;
  }
  return null;
}
