/**
 * Tells at the top of a page who opened the records before this visit, when and from where.
 * @module
 */

import { KEYS, WelnoError } from "../../sdk/welno.js";
import { find, make, show } from "../kit/dom.js";
import { momentText } from "./moments.js";

const RECORDS = new Set(["checkups", "prescriptions", "report", "export", "file"]);
const SAME_OPENING_MILLISECONDS = 30 * 60_000;
const MOST = 3;
const LOOKS = 100;

/** @typedef {{at: string, who: string, address: string|null, action: string}} Look */

/**
 * One visit opens the records many times: what the same one does from one place with no longer pauses is one opening.
 * @param {Look[]} looks newest first @param {string} before ISO 8601: where this visit began
 * @returns {Look[]} each opening's first look, newest first
 */
export function openingsBefore(looks, before) {
  const openings = /** @type {Look[]} */ ([]);
  for (const look of looks) {
    if (!RECORDS.has(look.action) || Date.parse(look.at) >= Date.parse(before)) continue;
    const later = openings.findIndex((one) => isSameOpening(one, look));
    if (later < 0) openings.push(look);
    else openings[later] = look;
  }
  return openings;
}

function isSameOpening(later, look) {
  const pause = Date.parse(later.at) - Date.parse(look.at);
  return later.who === look.who && later.address === look.address && pause < SAME_OPENING_MILLISECONDS;
}

/** @param {Look} look */
export function openingText({ at, who, address }) {
  return [momentText(at), who, address].filter(Boolean).join(" · ");
}

/**
 * Once per visit, until the person says that they have seen it.
 * @param {{client: import("../../sdk/welno.js").WelnoClient, storage: import("../../sdk/welno.js").WelnoStorage,
 *   uuid: string}} page
 */
export async function tellOpenings({ client, storage, uuid }) {
  try {
    const visit = (await client.sessions(uuid)).find(({ current }) => current);
    if (!visit || storage.read(KEYS.visitTold) === visit.id) return;
    const openings = openingsBefore((await client.accessLog(uuid, { limit: LOOKS })).items, visit.created_at);
    if (openings.length === 0) storage.write(KEYS.visitTold, visit.id);
    else showOpenings(openings.slice(0, MOST), () => storage.write(KEYS.visitTold, visit.id));
  } catch (error) {
    if (!(error instanceof WelnoError)) throw error; // the page's own calls tell what is wrong
  }
}

/** @param {Look[]} openings @param {() => void} onSeen */
function showOpenings(openings, onSeen) {
  find("openings-rows").replaceChildren(...openings.map((one) => make("li", {}, openingText(one))));
  find("openings-seen").onclick = () => {
    onSeen();
    show(find("openings"), false);
  };
  show(find("openings"));
}
