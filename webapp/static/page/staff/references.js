/**
 * What an operator is told of a reference number: which error was answered, where and when, and to which run it leads.
 * @module
 */

import { find, make, show } from "../kit/dom.js";
import { formatMoment } from "./words.js";

const REFERENCE = /^[A-Za-z0-9-]{8,64}$/;

/** @param {string} text */
export const isReference = (text) => REFERENCE.test(text);

/** What the API found; null empties and hides the place. @param {any} found */
export function showFound(found) {
  const place = find("found");
  show(place, found !== null);
  if (found === null) return place.replaceChildren();
  const sessions = [...found.failures.map((/** @type {any} */ failure) => failure.session_id), ...found.runs];
  place.replaceChildren(
    make("h2", { class: "section-head" }, "문의 번호 ", make("code", {}, found.request_id)),
    make("ul", {}, ...found.failures.map(makeFailure)),
    ...[...new Set(sessions.filter(Boolean))].map(makeRunLink),
  );
}

/** @param {any} failure */
function makeFailure({ at, method, route, status, error_code }) {
  return make("li", {}, `${formatMoment(at)} `, make("code", {}, `${method} ${route}`), ` ${status} `, make("code", {}, error_code));
}

/** @param {string} id */
function makeRunLink(id) {
  return make("p", {}, "작업 ", make("a", { href: `#run=${id}`, class: "identifier" }, id));
}
