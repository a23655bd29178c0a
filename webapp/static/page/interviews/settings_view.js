/**
 * A project's settings: what it is, who is in it, its files, and for admins what it costs and who read originals.
 * @module
 */

import { find, make, show } from "../kit/dom.js";
import { Costs } from "./costs.js";
import { download } from "./downloads.js";
import { client } from "./entry.js";
import { Members } from "./members.js";
import { OriginalReads } from "./original_reads.js";
import { formatDayOf } from "./words.js";

const FORMATS = /** @type {const} */ (["xlsx", "csv", "md", "json"]);

export class SettingsView {
  #parts;

  /** @param {any} project */
  constructor(project) {
    const isAdmin = project.role === "admin";
    this.#parts = [new Members(project.id, isAdmin), ...(isAdmin ? [new Costs(project.id), new OriginalReads(project.id)] : [])];
    find("project-pairs").replaceChildren(...pairsOf(project));
    show(find(project.requires_consent ? "consent-required" : "consent-free"));
    for (const format of FORMATS) {
      const link = find(`export-${format}`);
      link.href = client.projectExportUrl(project.id, format);
      link.addEventListener("click", download);
    }
  }

  /** No event tells of any of it: each look asks anew. */
  async open() {
    await Promise.all(this.#parts.map((part) => part.refresh()));
  }
}

/** @param {any} project */
function pairsOf({ company, description, purpose, target_audience, research_method, created_at }) {
  const pairs = [
    ["회사", company.name],
    ["설명", description],
    ["목적", purpose],
    ["대상", target_audience],
    ["조사 방법", research_method],
    ["만든 날", formatDayOf(created_at)],
  ];
  const known = pairs.filter(([, text]) => text);
  return known.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text)));
}
