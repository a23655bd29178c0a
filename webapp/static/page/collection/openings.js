/**
 * Tells at the top of a page who else opened the records since the last visit, when and from where.
 * @module
 */

import { KEYS } from "../../sdk/collection/storage.js";
import { find, make, show } from "../kit/dom.js";
import { momentText } from "./moments.js";

const MOST = 3;

/** @param {{first_at: string, who: string, address: string|null, device: string|null}} opening */
export function openingText({ first_at, who, address, device }) {
  return [momentText(first_at), who, device, address].filter(Boolean).join(" · ");
}

/**
 * On each page of a visit, until the person says that they have seen it.
 * @param {{items: any[], opened_since_last_visit: any[]}} access as `client.sessions` tells
 * @param {import("../../sdk/welno.js").WelnoStorage} storage
 */
export function tellOpenings({ items, opened_since_last_visit: openings }, storage) {
  const visit = items.find(({ current }) => current)?.id ?? "";
  if (openings.length === 0 || storage.read(KEYS.visitTold) === visit) return;
  showOpenings(openings, () => storage.write(KEYS.visitTold, visit));
}

/** @param {any[]} openings @param {() => void} onSeen */
function showOpenings(openings, onSeen) {
  const rows = openings.slice(0, MOST).map((one) => make("li", {}, openingText(one)));
  const more = openings.length - MOST;
  find("openings-rows").replaceChildren(...rows, ...(more > 0 ? [make("li", {}, `그 밖에 ${more}번 더`)] : []));
  find("openings-seen").onclick = () => {
    onSeen();
    show(find("openings"), false);
  };
  show(find("openings"));
}
