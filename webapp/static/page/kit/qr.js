/**
 * Draws a text as a QR code.
 * @module
 */

import { make } from "./dom.js";
import { showError } from "./error.js";
import { loadLibrary } from "./library.js";

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4; // modules around the code, as the standard asks for
export const QR_FAILED = "QR을 그리지 못했어요. 인터넷 연결을 확인하고 다시 시도해 주세요.";

/** `library`: its address; `label`: for who does not see it. @typedef {{library: string, text: string, label: string}} QrPlan */

/** A QR could not be drawn: the library did not come, or the text is too long. */
export class QrError extends Error {
  name = "QrError";
}

/** @param {QrPlan} plan @returns {Promise<Element>} rejects with a QrError */
export async function drawQr({ library, text, label }) {
  try {
    const { encodeQR } = await loadLibrary(library);
    return pictureOf(encodeQR(text, "raw", { ecc: "medium", border: QUIET }), label);
  } catch (cause) {
    throw new QrError("no QR could be drawn", { cause });
  }
}

/** In this place; where that fails it is said there, with a button that tries again. @param {HTMLElement} place
 * @param {QrPlan} plan @returns {Promise<boolean>} whether it is drawn */
export async function showQr(place, plan) {
  try {
    place.replaceChildren(await drawQr(plan));
    return true;
  } catch (error) {
    if (!(error instanceof QrError)) throw error;
    const notice = make("div", { class: "notice error", role: "alert" });
    showError(notice, { text: QR_FAILED, next: { act: () => void showAgain(place, plan) } });
    place.replaceChildren(notice);
    return false;
  }
}

/** A part that draws it when it is opened, until that has come through. @param {string} title @param {QrPlan} plan
 * @param {Record<string, any>} [properties] as those of `make` @returns {HTMLElement} */
export function makeQrDetails(title, plan, properties = {}) {
  const place = make("div");
  const part = make("details", properties, make("summary", {}, title), place);
  let isDrawn = false;
  part.addEventListener("toggle", async () => {
    if (!part.open || isDrawn) return;
    isDrawn = await showQr(place, plan);
    place.scrollIntoView({ block: "nearest" });
  });
  return part;
}

/** The button that was pressed goes. @param {HTMLElement} place @param {QrPlan} plan */
async function showAgain(place, plan) {
  place.tabIndex = -1;
  place.focus();
  await showQr(place, plan);
}

/** @param {boolean[][]} rows @param {string} label */
function pictureOf(rows, label) {
  const dark = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  const size = String(rows.length);
  const picture = element("svg", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label, class: "qr" });
  picture.append(
    element("rect", { width: size, height: size, fill: "#fff" }),
    element("path", { d: dark.join(""), fill: "#000" }),
  );
  return picture;
}

/** @param {string} name @param {Record<string, string>} attributes */
function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}
