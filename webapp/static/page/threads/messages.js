/**
 * A thread's messages as they come: texts and pictures, what the server tells, and what was not believed.
 * @module
 */

import { BLOB_TYPE } from "../../sdk/threads/blob_message.js";
import { find, make } from "../kit/dom.js";
import { PICTURES } from "../kit/pictures.js";
import { LINK_TYPE, makeLinkMessage } from "./link_message.js";
import { RecordsView } from "./records_view.js";
import { ASK_AGAIN, describeEvent, describeGap, explainCode, formatMoment, nameMember } from "./words.js";

/** @typedef {import("../../sdk/threads/receiver.js").Delivered} Delivered */

export class Messages {
  #own;
  #now;
  #blobs;
  #records;
  #place = find("messages");
  #shown = /** @type {Map<string, HTMLElement>} */ (new Map());

  /** @param {string} own memberId @param {import("./blob_view.js").BlobView} blobs
   * @param {{onRecord?: import("./records_view.js").OnRecord, now?: () => number}} [how] `now`: the server's time */
  constructor(own, blobs, { onRecord, now = Date.now } = {}) {
    this.#own = own;
    this.#now = now;
    this.#blobs = blobs;
    this.#records = new RecordsView(onRecord);
    this.#place.replaceChildren();
  }

  /** @param {Delivered} delivered */
  add(delivered) {
    const { seq, from, content, event, data, receivedAt, envelope } = delivered;
    if (event !== null) return this.#put(seq, make("p", { class: "message told" }, describeEvent(event, data, this.#own)));
    const isOwn = from === this.#own;
    const facts = `${nameMember(from ?? "", this.#own)} · ${formatMoment(receivedAt)} · ${seq}쪽`;
    const contentType = envelope?.contentType ?? "";
    const bytes = /** @type {Uint8Array} */ (content);
    const body = this.#makeBody(contentType, bytes, from);
    this.#put(seq, make("div", { class: `message${isOwn ? " own" : ""}` }, make("p", { class: "hint" }, facts), body));
  }

  /** What came in parts, too, as far as all of them have come. */
  whenShown() {
    return this.#records.whenShown();
  }

  /** @param {string} contentType @param {Uint8Array} content @param {string|null} from */
  #makeBody(contentType, content, from) {
    if (contentType === BLOB_TYPE) return this.#blobs.make(content);
    if (contentType === LINK_TYPE) return makeLinkMessage(content, this.#now());
    return this.#records.make(contentType, content, from) ?? makeContent(contentType, content);
  }

  /** One that was not believed keeps its place. @param {number} seq @param {string} code */
  addDisbelieved(seq, code) {
    this.#put(seq, make("p", { class: "message disbelieved" }, `${seq}쪽: ${explainCode(code)}`));
  }

  /** What cannot be had stands where it would. @param {import("../../sdk/threads/inbox.js").Gap} gap */
  addGap(gap) {
    this.#put(gap.from, make("div", { class: "message lost" }, make("p", {}, make("strong", {}, describeGap(gap))), make("p", {}, ASK_AGAIN)));
  }

  /** @param {number} seq @param {HTMLElement} element in the place of what was there */
  #put(seq, element) {
    element.dataset.seq = String(seq);
    const before = this.#shown.get(String(seq));
    this.#shown.set(String(seq), element);
    const isAtEnd = this.#place.scrollHeight - this.#place.scrollTop - this.#place.clientHeight < 40;
    if (before) before.replaceWith(element);
    else this.#place.append(element);
    if (isAtEnd) this.#place.scrollTop = this.#place.scrollHeight;
  }
}

/** Nothing of what somebody sent is parsed as HTML. @param {string} contentType @param {Uint8Array} content */
function makeContent(contentType, content) {
  if (PICTURES.has(contentType)) return make("img", { src: dataUrl(contentType, content), alt: "받은 사진" });
  if (contentType === "text/plain") return make("p", {}, new TextDecoder().decode(content));
  return make("p", {}, `이 화면에서 볼 수 없는 내용이에요. (${contentType})`);
}

/** @param {string} contentType @param {Uint8Array} content */
function dataUrl(contentType, content) {
  return `data:${contentType};base64,${btoa(Array.from(content, (byte) => String.fromCharCode(byte)).join(""))}`;
}
