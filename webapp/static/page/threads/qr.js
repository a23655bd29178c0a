/**
 * The kit's QR codes, by the name that this page's modules know.
 * @module
 */

export { drawQr } from "../kit/qr.js";
