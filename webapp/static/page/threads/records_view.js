/**
 * A patient's records that the service put into a thread: one of them, a part of one, and how many there were.
 * @module
 */

import { medicinesOf } from "../../sdk/collection/medicines.js";
import { decodeBytes, hashBytes } from "../../sdk/threads/encoding.js";
import { make } from "../kit/dom.js";
import { describeCounts, RECORD_KINDS, RECORD_UNREADABLE } from "./words.js";

const [RECORD, PART, SUMMARY] = ["record", "record-part", "records"].map((name) => `application/vnd.welno.${name}+json`);
const MOST_BYTES = 32 * 1024 * 1024;

/** @typedef {{parts: number, size: number, sha256: string, contentType: string, places: HTMLElement[],
 *   pieces: Uint8Array[]}} Parted */

/** Whoever wants to know of a record that was shown. @typedef {(told: any, from: string|null) => void} OnRecord */

export class RecordsView {
  #onRecord;
  #showing = /** @type {Promise<void>} */ (Promise.resolve());
  #parted = /** @type {Map<string, Parted>} by sender and documentId */ (new Map());

  /** @param {OnRecord} [onRecord] */
  constructor(onRecord = () => {}) {
    this.#onRecord = onRecord;
  }

  /** Null for what is none of these. @param {string} contentType @param {Uint8Array} content @param {string|null} [from]
   * @returns {HTMLElement|null} */
  make(contentType, content, from = null) {
    if (contentType !== RECORD && contentType !== PART && contentType !== SUMMARY) return null;
    try {
      const told = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
      if (contentType === SUMMARY) return make("p", {}, describeCounts(told.counts));
      return contentType === RECORD ? this.#showRecord(told, from) : this.#addPart(told, from);
    } catch {
      return unreadable();
    }
  }

  /** Told once it could be shown. @param {any} told @param {string|null} from */
  #showRecord(told, from) {
    const shown = makeRecord(told);
    this.#onRecord(told, from);
    return shown;
  }

  /** Shown where the last part stands, once all have come. @param {any} told @param {string|null} from */
  #addPart({ documentId, part, data, ...head }, from) {
    const piece = decodeBytes(data);
    if (!piece || !Number.isInteger(part) || part < 1 || part > head.parts || head.size > MOST_BYTES) return unreadable();
    const name = `${from}/${documentId}`; // nobody sends a part of another's record
    const parted = this.#parted.get(name) ?? { ...head, places: [], pieces: [] };
    this.#parted.set(name, parted);
    const place = make("div", {}, make("p", { class: "hint" }, `나누어 온 기록 ${part}/${parted.parts}`));
    parted.places[part - 1] = place;
    parted.pieces[part - 1] = piece;
    if (Object.keys(parted.pieces).length === parted.parts) this.#beginWhole(parted, from);
    return place;
  }

  /** @param {Parted} parted @param {string|null} from */
  #beginWhole(parted, from) {
    const whole = showWhole(parted, (told) => this.#showRecord(told, from));
    this.#showing = Promise.all([this.#showing, whole]).then(() => {});
  }

  /** Every record of which all parts have come by now. */
  whenShown() {
    return this.#showing;
  }
}

/** @param {Parted} parted @param {(told: any) => HTMLElement} showRecord */
async function showWhole({ pieces, places, size, sha256 }, showRecord) {
  const whole = new Uint8Array(await new Blob(/** @type {any[]} */ (pieces)).arrayBuffer());
  const isWhole = whole.length === size && (await hashBytes(whole)) === `sha256:${sha256}`;
  let shown = unreadable();
  try {
    if (isWhole) shown = showRecord(JSON.parse(new TextDecoder().decode(whole)));
  } catch {
    // It stays unreadable.
  }
  places[places.length - 1].replaceChildren(shown);
}

/** @param {{kind: string, record: any}} told */
export const titleOf = ({ kind, record }) => `${RECORD_KINDS[kind]} ${DESCRIBED[kind](record).title}`;

/** @param {any} told */
function makeRecord({ kind, record }) {
  const { title, facts } = DESCRIBED[kind](record);
  const rows = facts.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
  const more = rows.length > 0 ? make("details", {}, make("summary", {}, "자세히"), make("dl", { class: "record-facts" }, ...rows)) : null;
  return make("div", { class: "record" }, make("strong", {}, RECORD_KINDS[kind]), make("p", {}, title), more);
}

/** @type {Record<string, (record: any) => {title: string, facts: [string, string][]}>} */
const DESCRIBED = {
  checkups: ({ checkup_date, year, location, description, items }) => ({
    title: line(dateText(checkup_date) || (year ? `${year}년` : ""), location),
    facts: [["판정", description ?? ""], ...items.map((/** @type {any} */ one) => [one.name, line(one.value, one.unit)])],
  }),
  prescriptions: ({ treatment_date, hospital_name, treatment_type, details }) => ({
    title: line(dateText(treatment_date), hospital_name),
    facts: [["구분", treatment_type ?? ""], ...medicinesOf({ details }).map(medicineFact)],
  }),
  report: ({ analyzed_at, bodyage, rank }) => ({
    title: dateText(analyzed_at),
    facts: [
      ["건강 나이", bodyage === null ? "" : `${bodyage}세`],
      ["순위", rank === null ? "" : String(rank)],
    ],
  }),
};

/** @param {import("../../sdk/collection/medicines.js").Medicine} medicine @returns {[string, string]} */
function medicineFact({ name, days }) {
  return ["약", days > 0 ? `${name} (${days}일)` : name];
}

const unreadable = () => make("p", {}, RECORD_UNREADABLE);
/** @param {unknown} moment */
const dateText = (moment) => String(moment ?? "").slice(0, 10).replaceAll("-", ".");
/** @param {...unknown} parts */
const line = (...parts) => parts.filter(Boolean).join(" ");
