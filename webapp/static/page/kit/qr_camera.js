/**
 * The camera as a reader of QR codes, with the library for browsers that read none themselves.
 * @module
 */

import { canReadQr, readQr } from "../../sdk/core/qr_camera.js";
import { loadLibrary } from "./library.js";

/** @param {string} library its address @returns {() => Promise<import("../../sdk/core/qr_camera.js").Detector>} */
export const detectorOf = (library) => async () => (await loadLibrary(library)).BarcodeDetector;

/** Whether there is a camera to ask for. */
export const hasCamera = () => canReadQr(async () => /** @type {any} */ (null));

/** Until it sees what is waited for. @template Read @param {HTMLVideoElement} video
 * @param {{library: string, read: (text: string) => Read|null, signal: AbortSignal}} how as those of `readQr`
 * @returns {Promise<Read>} rejects with a CameraError */
export const readFromCamera = (video, { library, read, signal }) => readQr(video, { read, signal, loadDetector: detectorOf(library) });
