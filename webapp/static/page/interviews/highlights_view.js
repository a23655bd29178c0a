/**
 * The highlights of all interviews, newest first; those with a tag.
 * @module
 */

import { find, make } from "../kit/dom.js";
import { List } from "../kit/list.js";
import { client } from "./entry.js";
import { nameRange } from "./passages.js";
import { interviewHash, tagHash } from "./routes.js";
import { formatDayOf, troubleOf } from "./words.js";

export class HighlightsView {
  #projectId;
  #list = new List("collected");
  #tag = /** @type {string|null} */ (null);
  #shownTag = /** @type {string|null} */ (null);
  #turn = 0;

  /** @param {string} projectId */
  constructor(projectId) {
    this.#projectId = projectId;
  }

  /** @param {string|null} tag as the address says */
  async open(tag) {
    this.#tag = tag;
    await this.refresh();
  }

  /** What is shown stays until the answer has come. */
  async refresh() {
    const [turn, tag] = [++this.#turn, this.#tag];
    this.#list.showLoading();
    try {
      const all = await client.projectHighlights(this.#projectId);
      // The list without a tag is bounded: some that have the tag may be too old for it.
      const shown = tag === null ? all : await client.projectHighlights(this.#projectId, tag);
      if (turn !== this.#turn) return;
      this.#shownTag = tag;
      drawTags(all, tag);
      this.#list.showRows(shown.map(makeRow));
    } catch (/** @type {any} */ error) {
      if (turn !== this.#turn) return;
      if (tag !== this.#shownTag) this.#list.showRows([], { isComplete: false });
      this.#list.showError({ ...troubleOf(error), next: { act: () => this.refresh() } });
    }
  }
}

/** @param {any[]} highlights @param {string|null} current */
function drawTags(highlights, current) {
  const tags = [...new Set(highlights.flatMap(({ tags: own }) => own))].sort();
  const links = [["모두", "#highlights", null], ...tags.map((tag) => [tag, tagHash(tag), tag])].map(([text, href, tag]) => {
    const state = tag === current ? { "aria-current": "true" } : {};
    return make("a", { href, ...state }, text);
  });
  const place = find("collected-tags");
  // Who came by one of them stays on it.
  const focused = place.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
  place.replaceChildren(...(tags.length || current !== null ? links : []));
  links.find((link) => link.getAttribute("href") === focused)?.focus();
}

/** @param {any} highlight */
function makeRow({ id, interview_id, title, utterances, utterance_count: count, first_utterance_id: first, last_utterance_id: last, tags, note, account, created_at }) {
  const lines = utterances.map((/** @type {any} */ { speaker, text }) => (speaker ? `${speaker}: ${text}` : text));
  const isCut = count > utterances.length; // of a longer range the API gives the first ones
  return make(
    "li",
    { class: "row" },
    make("a", { id: `collected-${id}`, class: "row-title", href: interviewHash(interview_id, first) }, `${title} · ${nameRange(first, last)}`),
    lines.length ? make("p", { class: "excerpt" }, [...lines, ...(isCut ? ["…"] : [])].join("\n")) : null,
    tags.length ? make("p", { class: "facts" }, ...tags.map((/** @type {string} */ tag) => make("span", { class: "chip" }, tag))) : null,
    note ? make("p", { class: "note" }, note) : null,
    make("p", { class: "hint" }, `${account.name} · ${formatDayOf(created_at)}`),
  );
}
