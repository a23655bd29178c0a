/**
 * A file that a link gave: a picture is shown, and everything is saved, never opened as a page of ours.
 * @module
 */

import { make } from "../kit/dom.js";
import { PICTURES } from "../kit/pictures.js";
import { NO_FILE_NAME, SAVE } from "./words.js";

const LATER_MILLISECONDS = 60_000; // by then the browser has taken it

/** @param {import("../../sdk/shl/attachments.js").Attachment} attachment */
export function attachmentPart({ name, type, data }) {
  const title = name || NO_FILE_NAME;
  const button = make("button", { type: "button", "aria-label": `${SAVE}: ${title}` }, SAVE);
  button.addEventListener("click", () => save(name, data));
  const picture = PICTURES.has(type) ? make("img", { src: `data:${type};base64,${data}`, alt: title }) : null;
  return make("figure", { class: "attachment" }, make("figcaption", {}, title), picture, button);
}

/** @param {string} name @param {string} data base64 */
function save(name, data) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  make("a", { href, download: name || "file" }).click();
  setTimeout(() => URL.revokeObjectURL(href), LATER_MILLISECONDS);
}
