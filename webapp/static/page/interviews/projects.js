/**
 * `/projects`: the projects that somebody is in.
 * @module
 */

import { make, tellStarted } from "../kit/dom.js";
import { List } from "../kit/list.js";
import { client, enter } from "./entry.js";
import { nameRole, troubleOf } from "./words.js";

const list = new List("projects");

/** @param {any} project */
function makeRow({ id, name, purpose, description, role, company }) {
  const said = purpose || description;
  return make(
    "li",
    { class: "card" },
    make("h2", {}, make("a", { href: `/projects/${encodeURIComponent(id)}` }, name)),
    make("p", { class: "facts" }, make("span", {}, company.name), make("span", { class: "chip" }, nameRole(role))),
    said ? make("p", { class: "hint" }, said) : null,
  );
}

async function load() {
  list.showLoading();
  try {
    await enter();
    list.showRows((await client.projects()).map(makeRow));
  } catch (/** @type {any} */ error) {
    if (error.status !== 401) list.showError({ ...troubleOf(error), next: { act: load } });
  }
}

tellStarted();
load();
