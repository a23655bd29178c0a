/**
 * Treatments and prescriptions on `/results-trend`: by month or by medicine, searched, some at a time.
 * @module
 */

import { medicinesOf } from "../../sdk/collection/medicines.js";
import { barSettings, chartFigure } from "./charts.js";
import { find, make, setText, show } from "../kit/dom.js";
import { List } from "../kit/list.js";
import { dataTable } from "./tables.js";
import { byMedicine, byMonth, dateText, matches, monthlyCounts, monthText } from "./visits.js";

const AT_ONCE = 20;

export class VisitsSection {
  #list = new List("visits");
  #items = /** @type {any[]} */ ([]);
  #isComplete = false;
  #most = AT_ONCE;

  constructor() {
    find("visits-search").addEventListener("input", () => this.#showAgain());
    for (const choice of document.querySelectorAll("[name=visits-order]"))
      choice.addEventListener("change", () => this.#showAgain());
  }

  showLoading() {
    this.#list.showLoading();
  }

  /** @param {any[]} items @param {{isComplete: boolean}} how more may come while it is not complete */
  show(items, { isComplete }) {
    this.#items = items;
    this.#isComplete = isComplete;
    const months = monthlyCounts(items);
    find("visits-chart").replaceChildren(...(months.length > 0 ? [monthsCard(months)] : []));
    show(find("visits-tools"), items.length > 0);
    this.#listItems();
  }

  /** @param {import("../kit/error.js").Trouble} trouble */
  showError(trouble) {
    this.#list.showError(trouble);
  }

  /** All rows, as a printer wants them. */
  showAll() {
    this.#most = Infinity;
    this.#listItems();
  }

  #showAgain() {
    this.#most = AT_ONCE;
    this.#listItems();
  }

  #listItems(focusFrom = /** @type {number|null} */ (null)) {
    const wanted = /** @type {HTMLInputElement} */ (find("visits-search")).value;
    const found = this.#items.filter((item) => matches(item, wanted));
    const isByMedicine = document.querySelector("[name=visits-order]:checked")?.getAttribute("value") === "medicine";
    setText(find("visits-found"), this.#foundText(wanted, found));
    const { rows, rest } = isByMedicine ? this.#medicineRows(found) : this.#monthRows(found);
    this.#list.showRows(rows, {
      isComplete: this.#isComplete && this.#items.length === 0,
      focusFrom,
      onMore: rest > 0 ? () => this.#showMore(rows.length) : null,
    });
  }

  #showMore(shown) {
    this.#most += AT_ONCE;
    this.#listItems(shown);
  }

  #foundText(wanted, found) {
    if (!wanted.trim()) return this.#isComplete ? "" : "나머지 기록을 불러오고 있어요.";
    return found.length > 0 ? `찾은 기록 ${found.length}건` : "찾는 기록이 없어요. 다른 말로 찾아보세요.";
  }

  /** Whole months, as several hundred rows are a long page. */
  #monthRows(items) {
    const months = byMonth(items);
    let count = 0;
    const shown = months.filter((month) => (count += month.items.length) - month.items.length < this.#most);
    return { rows: shown.map(monthSection), rest: months.length - shown.length };
  }

  #medicineRows(items) {
    const medicines = byMedicine(items);
    return { rows: medicines.slice(0, this.#most).map(medicineCard), rest: Math.max(medicines.length - this.#most, 0) };
  }
}

function monthsCard(months) {
  const total = months.reduce((sum, { visits }) => sum + visits, 0);
  const rows = months.map(({ month, visits, medicineDays }) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, monthText(month)),
      make("td", {}, `${visits}건`),
      make("td", {}, `${medicineDays}회`),
    ),
  );
  return make(
    "article",
    { class: "card measure wide" },
    make("header", {}, make("h3", {}, "달마다 받은 진료·조제")),
    chartFigure(
      `달마다 받은 진료·조제 그래프. ${monthText(months[0].month)}부터 ${monthText(months.at(-1).month)}까지 모두 ${total}건.`,
      (colour) => barSettings(months, monthText, colour),
      dataTable("달마다 받은 진료·조제", ["달", "진료·조제", "투약·요양 횟수"], rows),
    ),
  );
}

function monthSection({ month, items }) {
  return make(
    "section",
    { class: "month" },
    make("h3", {}, monthText(month), make("span", { class: "hint" }, ` ${items.length}건`)),
    make("ul", {}, ...items.map(visitRow)),
  );
}

function visitRow(item) {
  const medicines = medicinesOf(item);
  const facts = [item.treatment_type, item.address].filter(Boolean).join(" · ");
  return make(
    "li",
    {},
    make("time", { dateTime: item.treatment_date ?? "" }, dateText(item).slice(5)),
    make(
      "div",
      {},
      make("strong", {}, item.hospital_name || "이름 없는 기관"),
      make("span", { class: "hint" }, facts),
      medicines.length > 0
        ? make(
            "details",
            {},
            make("summary", {}, `약 ${medicines.length}가지`),
            make("ul", { class: "medicines" }, ...medicines.map(medicineRow)),
          )
        : null,
    ),
  );
}

function medicineRow({ name, effect, days }) {
  return make(
    "li",
    {},
    make("b", {}, name),
    make("span", { class: "hint" }, [effect, days ? `${days}일분` : ""].filter(Boolean).join(" · ")),
  );
}

function medicineCard({ name, effect, days, visits }) {
  const total = days > 0 ? `모두 ${days}일분` : "";
  return make(
    "section",
    { class: "month medicine" },
    make("h3", {}, name, make("span", { class: "hint" }, ` ${[`${visits.length}번`, total].filter(Boolean).join(" · ")}`)),
    effect ? make("p", { class: "hint" }, effect) : null,
    make(
      "ul",
      {},
      ...visits.map((visit) =>
        make(
          "li",
          {},
          make("time", { dateTime: visit.date.replaceAll(".", "-") }, visit.date),
          make("div", {}, visit.hospital || "이름 없는 기관", visit.days ? make("span", { class: "hint" }, `${visit.days}일분`) : null),
        ),
      ),
    ),
  );
}
