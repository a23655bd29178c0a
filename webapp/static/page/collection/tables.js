/**
 * Tables of numbers.
 * @module
 */

import { make } from "../kit/dom.js";

/** @param {string} caption @param {string[]} heads @param {HTMLElement[]} rows */
export function dataTable(caption, heads, rows) {
  return make(
    "table",
    {},
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, ...rows),
  );
}
