/**
 * The list of runs: narrowed, page by page, drawn anew only when something changed.
 * @module
 */

import { find, make } from "../kit/dom.js";
import { Field } from "../kit/field.js";
import { List } from "../kit/list.js";
import { FILTERS } from "./api.js";
import { isReference, showFound } from "./references.js";
import { describeState, faultText, FILTER_NAMES, formatMoment, nameReason, nameStatus, nameStep, toneOf } from "./words.js";

const PAGE_SIZE = 25;
const SESSION_ID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export class RunList {
  #api;
  #changed;
  #filter = "all";
  // The run that came before each page; the last is that of this page.
  #pages = [/** @type {any} */ (null)];
  #runs = /** @type {any[]} */ ([]);
  #drawn = "";
  #list = new List("list", { frame: find("list-table") });
  #sought = new Field("find-id", { format: (text) => text.trim() });

  /** @param {import("./api.js").StaffApi} api @param {() => void} changed when another page is wanted */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
    const select = find("filter");
    select.append(...Object.keys(FILTERS).map((value) => make("option", { value }, FILTER_NAMES[value])));
    select.addEventListener("change", () => this.#narrow(select.value));
    find("find-form").addEventListener("submit", (event) => this.#openSought(event));
    find("newer").addEventListener("click", () => this.#turn(() => this.#pages.pop()));
    find("older").addEventListener("click", () => this.#turn(() => this.#pages.push(this.#runs.at(-1))));
  }

  async load(/** @type {() => boolean} */ isCurrent) {
    const before = this.#pages.at(-1) ?? null;
    if (this.#drawn === "") this.#list.showLoading();
    try {
      const runs = await this.#api.list({ filter: this.#filter, before, limit: PAGE_SIZE });
      if (isCurrent()) this.#draw(runs);
    } catch (error) {
      if (this.#drawn === "") this.#list.showError({ text: "작업 목록을 불러오지 못했어요.", next: { act: this.#changed } });
      throw error;
    }
  }

  /** Nothing of what a member of staff saw stays for the next one. */
  forget() {
    this.#pages = [null];
    this.#draw([]);
    showFound(null);
    this.#drawn = "";
    find("find-form").reset();
  }

  #narrow(filter) {
    this.#filter = filter;
    this.#pages = [null];
    this.#changed();
  }

  #turn(move) {
    move();
    this.#changed();
    find("list-title").focus();
  }

  #draw(runs) {
    this.#runs = runs;
    find("newer").disabled = this.#pages.length === 1;
    find("older").disabled = runs.length < PAGE_SIZE;
    const drawn = JSON.stringify([this.#filter, runs]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#list.showRows(runs.map(makeRow));
  }

  /** @param {SubmitEvent} event */
  #openSought(event) {
    event.preventDefault();
    const id = this.#sought.value;
    showFound(null);
    const isOne = SESSION_ID.test(id.toLowerCase()) || isReference(id);
    this.#sought.setFault(isOne ? "" : "세션 ID나 문의 번호 모양이 아니에요. 전체를 붙여 넣어 주세요.");
    if (!isOne) this.#sought.focus();
    else if (SESSION_ID.test(id.toLowerCase())) location.hash = `run=${id.toLowerCase()}`;
    else void this.#lookUp(id);
  }

  /** @param {string} reference */
  async #lookUp(reference) {
    try {
      showFound(await this.#api.findRequest(reference));
    } catch (/** @type {any} */ error) {
      if (error.status === 401 || error.status === 403) return this.#changed(); // the watch asks to sign in
      const isUnknown = error.status === 404;
      this.#sought.setFault(isUnknown ? "이 문의 번호로 남은 오류가 없어요. 로그에서 찾아 주세요." : faultText(error));
      this.#sought.focus();
    }
  }
}

function makeRow(run) {
  const id = run.session_id;
  const link = make("a", { id: `run-${id}`, href: `#run=${id}`, class: "identifier" }, id);
  return make(
    "tr",
    { role: "row" },
    make("th", { role: "rowheader", scope: "row" }, link),
    makeCell("상태", makeChip(nameStatus(run.status), toneOf(run)), make("span", { class: "hint" }, describeState(run))),
    makeCell("단계", nameStep(run.step)),
    makeCell("오류", run.error_code ? makeReason(run.error_code) : "–"),
    makeCell("실패·회수", `${run.attempts}·${run.takeovers}`),
    makeCell("바뀐 때", makeMoment(run.updated_at)),
  );
}

/** @param {string} label what the head of its column says; shown where the table becomes cards */
export function makeCell(label, ...children) {
  return make("td", { role: "cell", "data-label": label }, make("div", {}, ...children));
}

export function makeChip(text, tone) {
  return make("span", { class: `chip ${tone}` }, text);
}

/** In words, and the code for the log. */
export function makeReason(code) {
  return make("span", { class: "staff-reason" }, nameReason(code), make("code", {}, code));
}

/** @param {string} moment */
export function makeMoment(moment) {
  return make("time", { dateTime: moment, title: moment }, formatMoment(moment));
}
