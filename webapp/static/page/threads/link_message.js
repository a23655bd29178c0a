/**
 * A health link that somebody keeps in a thread: until when it opens, and what opens it.
 * @module
 */

import { hasFlag, readLink, writeLink } from "../../sdk/shl/links.js";
import { find, make } from "../kit/dom.js";
import { makeQrDetails } from "../kit/qr.js";
import { WORDS } from "../kit/words.js";
import { copyLink } from "../share/copying.js";
import { COPY, OPEN, QR_LABEL, SHOW_QR } from "../share/words.js";
import { describeLink, LINK_UNREADABLE } from "./words.js";

/** The plaintext is the link, as it would stand in a QR. */
export const LINK_TYPE = "application/smart-health-link";

/** Whoever wrote it chose no page that opens it: that is ours. @param {Uint8Array} content
 * @param {number} now in milliseconds */
export function makeLinkMessage(content, now) {
  try {
    const payload = readLink(new TextDecoder().decode(content));
    return show(payload, writeLink(payload, `${location.origin}/shl`), now);
  } catch {
    return make("p", {}, LINK_UNREADABLE);
  }
}

/** Whether it still opens is for its own server to say. @param {import("../../sdk/shl/links.js").LinkPayload} payload
 * @param {string} link @param {number} now */
function show(payload, link, now) {
  const { label, exp = null } = payload;
  const isOver = exp !== null && exp * 1000 < now;
  const title = label ? `${WORDS.healthLink} “${label}”` : WORDS.healthLink;
  const facts = make("p", { class: "hint" }, describeLink({ exp, isOver, hasPasscode: hasFlag(payload, "P") }));
  return make("div", { class: "link" }, make("strong", {}, title), facts, ...waysToOpen(link));
}

/** @param {string} link */
function waysToOpen(link) {
  const copy = make("button", { type: "button", class: "small" }, COPY);
  copy.addEventListener("click", () => void copyLink(link));
  const open = make("a", { class: "button small", href: link, target: "_blank", rel: "noopener" }, OPEN);
  const qr = makeQrDetails(SHOW_QR, { library: find("threads").dataset.qrLibrary, text: link, label: QR_LABEL });
  return [make("div", { class: "buttons" }, open, copy), qr];
}
