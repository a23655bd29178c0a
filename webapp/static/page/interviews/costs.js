/**
 * What the project's analyses cost in a month, and how much of its budget is left. For admins.
 * @module
 */

import { find, make, setText, show } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { client } from "./entry.js";
import { interviewHash } from "./routes.js";
import { formatCount, formatMonth, formatSpan, troubleOf } from "./words.js";

/** @type {Record<string, string>} */
const INSIGHTS = { themes: "주제 찾기", persona: "페르소나 만들기" };

export class Costs {
  #projectId;
  #month = /** @type {string|null} */ (null); // the present one
  #turn = 0;

  /** @param {string} projectId */
  constructor(projectId) {
    this.#projectId = projectId;
    show(find("costs"));
    find("costs-month").addEventListener("change", () => {
      this.#month = find("costs-month").value;
      this.refresh();
    });
  }

  async refresh() {
    const turn = ++this.#turn;
    show(find("costs-loading"), find("costs-body").hidden);
    showError(find("costs-failed"), null);
    try {
      const costs = await client.costs(this.#projectId, this.#month);
      if (turn === this.#turn) draw(costs);
    } catch (/** @type {any} */ error) {
      if (turn === this.#turn) showError(find("costs-failed"), { ...troubleOf(error), next: { act: () => this.refresh() } });
    } finally {
      show(find("costs-loading"), false);
    }
  }
}

/** @param {any} costs */
function draw({ month, total, monthly_token_limit: limit, reserved_tokens: reserved = 0, interviews, insights, months }) {
  drawMonths(month, months);
  drawBudget(total.tokens, reserved, limit);
  const facts = [["부른 횟수", `${formatCount(total.calls)}번`], ["토큰", formatCount(total.tokens)], ["걸린 시간", formatSpan(total.seconds)]];
  find("costs-pairs").replaceChildren(...facts.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text))));
  const rows = [
    ...interviews.map((/** @type {any} */ one) => makeRow(makeLink(one), one)),
    ...insights.map((/** @type {any} */ one) => makeRow(INSIGHTS[one.kind] ?? one.kind, one)),
  ];
  find("costs-rows").replaceChildren(...rows);
  show(find("costs-table"), rows.length > 0);
  show(find("costs-empty"), rows.length === 0);
  show(find("costs-body"));
}

/** @param {string} shown @param {any[]} months those in which something was spent, newest first */
function drawMonths(shown, months) {
  const known = new Set([shown, ...months.map(({ month }) => month)]);
  const options = [...known].sort().reverse().map((month) => make("option", { value: month, selected: month === shown }, formatMonth(month)));
  find("costs-month").replaceChildren(...options);
}

/** @param {number} spent tokens @param {number} reserved for what is under way @param {number|null} limit */
function drawBudget(spent, reserved, limit) {
  const bar = find("costs-bar");
  show(bar, limit !== null && limit > 0);
  if (limit === null) return setText(find("costs-left"), "이 프로젝트에는 한 달 한도가 없어요.");
  const left = Math.max(0, limit - spent - reserved);
  bar.max = limit;
  bar.value = Math.min(spent, limit);
  const held = reserved > 0 ? `진행 중인 분석에 ${formatCount(reserved)} 토큰을 잡아 두었고, ` : "";
  const none = reserved > 0 && spent < limit ? "지금은 새 분석을 시작할 수 없어요." : "다 써서 새 분석을 시작할 수 없어요.";
  const words = left > 0 ? `${formatCount(left)} 토큰이 남았어요.` : none;
  setText(find("costs-left"), `한 달 한도 ${formatCount(limit)} 토큰 가운데 ${formatCount(spent)} 토큰을 썼고, ${held}${words}`);
}

/** @param {any} cost of an interview */
function makeLink({ interview_id, title }) {
  return make("a", { href: interviewHash(interview_id) }, title);
}

/** @param {string|Node} name @param {any} cost */
function makeRow(name, { calls, tokens, seconds }) {
  const counts = [formatCount(calls), formatCount(tokens), formatSpan(seconds)];
  const cells = counts.map((text) => make("td", { class: "count" }, text));
  return make("tr", {}, make("th", { scope: "row" }, name), ...cells);
}
