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

/** @typedef {"members"|"costs"|"original_reads"} Part what events tell of */

export class SettingsView {
  #parts;

  /** @param {any} project */
  constructor(project) {
    const isAdmin = project.role === "admin";
    const ofAdmins = isAdmin ? { costs: new Costs(project.id), original_reads: new OriginalReads(project.id) } : {};
    this.#parts = /** @type {Partial<Record<Part, {refresh: () => Promise<void>}>>} */ ({
      members: new Members(project.id, isAdmin),
      ...ofAdmins,
    });
    find("project-pairs").replaceChildren(...pairsOf(project));
    show(find(project.requires_consent ? "consent-required" : "consent-free"));
    for (const format of FORMATS) {
      const link = find(`export-${format}`);
      link.href = client.projectExportUrl(project.id, format);
      link.addEventListener("click", download);
    }
  }

  /** Each look asks anew. */
  async open() {
    await Promise.all(Object.values(this.#parts).map((part) => part.refresh()));
  }

  /** While somebody looks: it has changed. What only admins see is asked for by them alone. @param {Part} part */
  async refresh(part) {
    await this.#parts[part]?.refresh();
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
