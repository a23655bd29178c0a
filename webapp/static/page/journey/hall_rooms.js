/**
 * The rooms of a hall's screen, and which of their calls are new.
 * @module
 */

import { make } from "../kit/dom.js";
import { roomText } from "./words.js";

const NEW_MILLISECONDS = 10_000;
const ROOMS_AT_ONCE = 8;
// Those that are over, too: an older picture, or one told of many calls, may show them again.
const MOST_REMEMBERED = 2_000;

/** A repetition has the same key, and a greater count. However the moment is written it is the same call.
 * @param {any} room @param {any} call */
const keyOf = (room, call) => `${room.exam_id}:${call.queue_number}:${Date.parse(call.since) || call.since}`;

/** Which calls were shown, how often each was made then, and until when it is new. */
export class Calls {
  #known = /** @type {Map<string, {count: number, until: number}>} */ (new Map());
  #firstAt = /** @type {number|null} */ (null);

  /** @param {{rooms: any[], updated_at: string}} hall @param {number} now @returns {{room: any, call: any}[]} what this
   *   screen has not told yet, however long ago it was called. What stood there when it was put on is not new */
  learn({ rooms, updated_at }, now) {
    const isFirst = this.#firstAt === null;
    this.#firstAt ??= Date.parse(updated_at);
    const fresh = isFirst ? [] : rooms.flatMap((room) => this.#freshIn(room));
    for (const room of rooms) for (const call of room.calling) this.#remember(room, call);
    for (const { room, call } of fresh) this.#remember(room, call, now + NEW_MILLISECONDS);
    this.#forgetOldest(rooms.reduce((count, room) => count + room.calling.length, 0));
    return fresh;
  }

  /** @param {any} room @returns {{room: any, call: any}[]} */
  #freshIn(room) {
    const lastKnown = room.calling.findLastIndex((/** @type {any} */ call) => this.#known.has(keyOf(room, call)));
    return room.calling
      .filter((/** @type {any} */ call, /** @type {number} */ at) => {
        const known = this.#known.get(keyOf(room, call));
        if (known) return call.call_count > known.count;
        return !(lastKnown >= 0 && at > lastKnown && this.#stoodThere(call));
      })
      .map((/** @type {any} */ call) => ({ room, call }));
  }

  /** Made before the screen was put on: of many calls the oldest are not told, until a newer one is over.
   * @param {any} call */
  #stoodThere(call) {
    return this.#firstAt !== null && Date.parse(call.since) <= this.#firstAt;
  }

  /** @param {any} room @param {any} call @param {number} [until] */
  #remember(room, call, until) {
    const key = keyOf(room, call);
    const known = this.#known.get(key);
    this.#known.delete(key); // the last that were shown are the last to be forgotten
    this.#known.set(key, {
      count: Math.max(call.call_count, known?.count ?? 0),
      until: until ?? known?.until ?? 0,
    });
  }

  /** @param {number} shown how many have to stay in any case */
  #forgetOldest(shown) {
    for (const key of this.#known.keys()) {
      if (this.#known.size <= Math.max(MOST_REMEMBERED, shown)) return;
      this.#known.delete(key);
    }
  }

  /** @param {any} room @param {number} now */
  isNew(room, now) {
    return room.calling.some((/** @type {any} */ call) => this.#newUntil(room, call, now) > 0);
  }

  /** The room with its new calls first, those told last before the others: what blinks is a call that was told late,
   * too, and not the one that was made last. @param {any} room @param {number} now */
  newFirst(room, now) {
    const newUntil = (/** @type {any} */ call) => this.#newUntil(room, call, now);
    const calling = [...room.calling].sort((one, other) => newUntil(other) - newUntil(one));
    return { ...room, calling };
  }

  /** 0: it is not new. @param {any} room @param {any} call @param {number} now */
  #newUntil(room, call, now) {
    const until = this.#known.get(keyOf(room, call))?.until ?? 0;
    return until > now ? until : 0;
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
