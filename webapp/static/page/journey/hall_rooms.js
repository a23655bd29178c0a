/**
 * The rooms of a hall's screen, and which of their calls are new.
 * @module
 */

import { make } from "../kit/dom.js";
import { roomText } from "./words.js";

const NEW_MILLISECONDS = 10_000;
const ROOMS_AT_ONCE = 8;

/** A call that is repeated is another. @param {any} room @param {any} call */
const keyOf = (room, call) => `${room.exam_id}:${call.queue_number}:${call.call_count}:${call.since}`;

/** Which calls are shown, and until when each is new. */
export class Calls {
  #until = /** @type {Map<string, number>} */ (new Map());
  #isFirst = true;

  /** @param {any[]} rooms @param {number} now @returns {boolean} whether one came just now: what stood there when the
   *   screen was put on is not new */
  learn(rooms, now) {
    const keys = rooms.flatMap((room) => room.calling.map((/** @type {any} */ call) => keyOf(room, call)));
    const fresh = keys.filter((key) => !this.#until.has(key));
    for (const key of fresh) this.#until.set(key, this.#isFirst ? 0 : now + NEW_MILLISECONDS);
    for (const key of this.#until.keys()) if (!keys.includes(key)) this.#until.delete(key);
    const isNews = !this.#isFirst && fresh.length > 0;
    this.#isFirst = false;
    return isNews;
  }

  /** @param {any} room @param {number} now */
  isNew(room, now) {
    return room.calling.some((/** @type {any} */ call) => (this.#until.get(keyOf(room, call)) ?? 0) > now);
  }
}

/** More than fit take turns. @param {any[]} rooms @param {number} turn */
export function roomsOfTurn(rooms, turn) {
  const pages = Math.max(1, Math.ceil(rooms.length / ROOMS_AT_ONCE));
  const begin = (turn % pages) * ROOMS_AT_ONCE;
  return rooms.slice(begin, begin + ROOMS_AT_ONCE);
}

/** @param {any} room @param {boolean} isNew */
export function makeRoom(room, isNew) {
  const [newest, ...others] = room.calling;
  const names = ["hall-room", ...(isNew ? ["new"] : []), ...(newest ? [] : ["none"])];
  return make(
    "section",
    { class: names.join(" ") },
    make("h2", {}, room.display_title),
    make("p", { class: "where" }, roomText(room.room) || " "),
    make(
      "p",
      { class: "hall-call" },
      newest ? make("span", { class: "word" }, "호출") : null,
      make("b", {}, newest ? String(newest.queue_number) : "–"),
      ...others.slice(0, 2).map((/** @type {any} */ { queue_number }) => make("small", {}, String(queue_number))),
    ),
    make("p", { class: "hall-next" }, room.next.length ? `다음 ${room.next.join(" · ")}` : "기다리는 사람이 없어요"),
    make("p", { class: "hall-wait" }, waitingText(room)),
  );
}

/** @param {any} room */
function waitingText({ waiting_count: count, estimated_wait_time: minutes }) {
  if (count === 0) return " ";
  return minutes > 0 ? `대기 ${count}명 · 약 ${minutes}분` : `대기 ${count}명`;
}
