/**
 * Insights, newest first: what is under way, what failed and why, and what was found with the quotes behind it.
 * @module
 */

import { make } from "../kit/dom.js";
import { List } from "../kit/list.js";
import { makeQuote } from "./analysis.js";
import { makeChip } from "./interview_list.js";
import { quotesOf } from "./reading.js";
import { interviewHash } from "./routes.js";
import { formatMoment, troubleOf } from "./words.js";

/** @typedef {(interviewId: string) => string} TitleOf */
/**
 * @typedef {object} InsightKind
 * @property {string} id of the list
 * @property {() => Promise<any[]>} load
 * @property {(insight: any) => string} nameOf what stands above its result
 * @property {(insight: any) => (Node|null)[]} makeResult of one that is completed
 */

export class InsightList {
  #kind;
  #list;
  #turn = 0;

  /** @param {InsightKind} kind */
  constructor(kind) {
    this.#kind = kind;
    this.#list = new List(kind.id);
  }

  /** @returns {Promise<any[]|null>} null where they could not be had, or are being asked for anew */
  async refresh() {
    const turn = ++this.#turn;
    this.#list.showLoading();
    try {
      const insights = await this.#kind.load();
      if (turn !== this.#turn) return null;
      this.#draw(insights);
      return insights;
    } catch (/** @type {any} */ error) {
      if (turn === this.#turn) this.#list.showError({ ...troubleOf(error), next: { act: () => this.refresh() } });
      return null;
    }
  }

  /** What was opened stays open. @param {any[]} insights */
  #draw(insights) {
    const shown = [...document.querySelectorAll(`#${this.#kind.id}-rows details`)].map((one) => /** @type {any} */ (one));
    const were = new Map(shown.map(({ id, open }) => [id, open]));
    const newest = insights.find(({ status }) => status === "completed");
    this.#list.showRows(insights.map((one) => this.#makeRow(one, one === newest)));
    for (const one of document.querySelectorAll(`#${this.#kind.id}-rows details`))
      if (were.has(one.id)) /** @type {any} */ (one).open = were.get(one.id);
  }

  /** @param {any} insight @param {boolean} isNewest */
  #makeRow(insight, isNewest) {
    const { id, status, created_at, interview_ids, error } = insight;
    const of = interview_ids.length ? ` · 인터뷰 ${interview_ids.length}개` : "";
    const hint = make("p", { class: "hint" }, `${formatMoment(created_at)}${of}`);
    if (status === "completed") {
      const summary = make("summary", { id: `insight-name-${id}` }, this.#kind.nameOf(insight));
      const details = make("details", { id: `insight-${id}`, class: "insight", open: isNewest }, summary, hint, ...this.#kind.makeResult(insight));
      return make("li", { class: "card" }, details);
    }
    const head = make("p", {}, make("strong", {}, this.#kind.nameOf(insight)), " ", makeChip(status));
    const why = status === "failed" ? make("p", { class: "error" }, error?.message || "끝내지 못했어요.") : makeWaiting();
    return make("li", { class: "card insight" }, head, why, hint);
  }
}

/** Its quotes, to be opened. @param {string} id @param {any[]} evidence @param {TitleOf} titleOf */
export function makeEvidence(id, evidence, titleOf) {
  const quotes = evidence.flatMap((one) =>
    quotesOf([one], []).map((quote) => {
      const hrefOf = (/** @type {number} */ line) => interviewHash(one.interview_id, line);
      return makeQuote(quote, hrefOf, quote.line === null ? "" : `${titleOf(one.interview_id)} · `);
    }),
  );
  if (!quotes.length) return null;
  return make("details", { id }, make("summary", { id: `${id}-name` }, `인용 ${quotes.length}개 보기`), ...quotes);
}

/** Whom the placeholders in its texts mean: each interview numbers its people anew.
 * @param {any[]|undefined} placeholders @param {TitleOf} titleOf */
export function makeLegend(placeholders, titleOf) {
  if (!placeholders?.length) return null;
  const items = placeholders.map(({ placeholder, interview_id: id, in_interview: theirs }) =>
    make("li", {}, `${placeholder}: `, make("a", { href: interviewHash(id) }, `${titleOf(id)}의 ${theirs}`)),
  );
  return make("ul", { class: "legend" }, ...items);
}

function makeWaiting() {
  const text = "만들고 있어요. 끝나면 여기에 바로 나와요.";
  return make("p", { class: "waiting", role: "status" }, make("span", { class: "spinner", "aria-hidden": "true" }), text);
}
