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

  /** @param {any[]} rooms @param {number} now @returns {{room: any, call: any}[]} which came just now: what stood there
   *   when the screen was put on is not new */
  learn(rooms, now) {
    const fresh = this.#isFirst ? [] : rooms.flatMap((room) => this.#freshIn(room));
    const keys = rooms.flatMap((room) => room.calling.map((/** @type {any} */ call) => keyOf(room, call)));
    const until = new Map(keys.map((key) => [key, this.#until.get(key) ?? 0]));
    for (const { room, call } of fresh) until.set(keyOf(room, call), now + NEW_MILLISECONDS);
    this.#until = until;
    this.#isFirst = false;
    return fresh;
  }

  /** They stand before those that were known: of many calls the oldest are not told, until a newer one is over.
   * @param {any} room */
  #freshIn(room) {
    const known = room.calling.findIndex((/** @type {any} */ call) => this.#until.has(keyOf(room, call)));
    const fresh = known < 0 ? room.calling : room.calling.slice(0, known);
    return fresh.map((/** @type {any} */ call) => ({ room, call }));
  }

  /** @param {any} room @param {number} now */
  isNew(room, now) {
    return room.calling.some((/** @type {any} */ call) => (this.#until.get(keyOf(room, call)) ?? 0) > now);
  }
}

/** More than fit take turns; one with a new call does not wait for its turn. @param {any[]} rooms @param {number} turn
 * @param {(room: any) => boolean} isNew */
export function roomsOfTurn(rooms, turn, isNew) {
  const pages = Math.max(1, Math.ceil(rooms.length / ROOMS_AT_ONCE));
  const begin = (turn % pages) * ROOMS_AT_ONCE;
  const page = rooms.slice(begin, begin + ROOMS_AT_ONCE);
  const wanted = [...rooms.filter(isNew), ...page.filter((room) => !isNew(room))].slice(0, ROOMS_AT_ONCE);
  return rooms.filter((room) => wanted.includes(room));
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
