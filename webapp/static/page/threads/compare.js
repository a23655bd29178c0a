/**
 * Asks for the fingerprint that another device shows: its QR before the camera, else typed. What is read approves nothing.
 * @module
 */

import { openDialog } from "../kit/dialog.js";
import { find, show } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { hasCamera, readFromCamera } from "../kit/qr_camera.js";
import { CAMERA_TROUBLES, FINGERPRINT_SHAPE } from "./words.js";

const GROUPS = /^(?:[A-Z2-7]{4} ){5}[A-Z2-7]{4}$/;
const LETTERS = /^[A-Z2-7]{24}$/;

/** As it is shown. @param {string} text of a QR, or typed @returns {string|null} null: that is no fingerprint */
export function readFingerprint(text) {
  if (GROUPS.test(text)) return text;
  const letters = text.replace(/[\s-]/g, "").toUpperCase();
  return LETTERS.test(letters) ? (letters.match(/.{4}/g) ?? []).join(" ") : null;
}

/** @returns {Promise<string|null>} null: the person has closed it */
export async function askForFingerprint() {
  const dialog = find("compare");
  const typed = new Field("typed-fingerprint");
  const open = new AbortController();
  /** @type {string|null} */
  let read = null;
  const take = (/** @type {string} */ fingerprint) => {
    read = fingerprint;
    dialog.close();
  };
  find("compare-close").addEventListener("click", () => dialog.close(), { signal: open.signal });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const fingerprint = readFingerprint(typed.value);
    typed.setFault(fingerprint ? "" : FINGERPRINT_SHAPE);
    if (fingerprint) take(fingerprint);
    else typed.focus();
  };
  find("compare-form").addEventListener("submit", submit, { signal: open.signal });
  typed.value = "";
  typed.setFault("");
  const closed = openDialog(dialog);
  void look(typed, open.signal).then((seen) => seen && take(seen));
  await closed;
  open.abort();
  return read;
}

/** Where no camera can be had the person types. @param {Field} typed @param {AbortSignal} signal
 * @returns {Promise<string|null>} */
async function look(typed, signal) {
  showError(find("compare-failed"), null);
  show(find("compare-seen"), hasCamera());
  if (!hasCamera()) return tellTrouble("absent", typed);
  try {
    return await readFromCamera(find("compare-camera"), { library: find("compare").dataset.qrLibrary, read: readFingerprint, signal });
  } catch (/** @type {any} */ error) {
    if (error.why === undefined) throw error;
    return signal.aborted ? null : tellTrouble(error.why, typed);
  }
}

/** @param {string} why @param {Field} typed */
function tellTrouble(why, typed) {
  show(find("compare-seen"), false);
  showError(find("compare-failed"), { text: CAMERA_TROUBLES[why] });
  typed.focus();
  return null;
}
