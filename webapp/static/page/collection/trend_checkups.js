/**
 * Checkups on `/results-trend`: the insurer's own verdicts, then what is at the border or suspect, then everything, folded.
 * @module
 */

import { chartFigure, lineSettings, scrollArea } from "./charts.js";
import { find, make, show } from "../kit/dom.js";
import { List } from "../kit/list.js";
import { groupMeasures, newestOf, notableOf, otherResults, verdictsOf } from "./measures.js";
import { describeRange, worstOf, zoneOf } from "./ranges.js";
import { dataTable } from "./tables.js";

const verdictList = new List("verdicts");
const checkupList = new List("checkups");
const ZONES = { normal: "정상", border: "경계", suspect: "질환의심" };
const SIGNS = { normal: "✓", border: "!", suspect: "!!" };
const SIDES = { above: "정상보다 높음", below: "정상보다 낮음", inside: "" };

export function showCheckupsLoading() {
  checkupList.showLoading();
}

/**
 * @param {any[]} checkups as stored
 * @param {{gender: string|null, isComplete: boolean, onOpened: () => void}} how `onOpened`: charts came into sight
 */
export function showCheckups(checkups, { gender, isComplete, onOpened }) {
  const groups = groupMeasures(checkups, gender);
  const others = otherResults(checkups);
  showVerdicts(verdictsOf(checkups));
  showNotable(groups, others);
  const open = openGroups();
  const folded = groups.map((group) => groupSection(group, open.has(group.title), onOpened));
  if (others.length > 0) folded.push(otherSection(others, open.has(OTHERS)));
  checkupList.showRows(folded, { isComplete: checkups.length === 0 && isComplete });
}

/** All that is folded, as a printer wants it. */
export function openAllGroups() {
  for (const folded of foldedElements()) folded.open = true;
}

const groupElements = () => /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.group"));
const foldedElements = () => /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.group, details.older"));

/** What the person has opened stays open when newer records are drawn. */
function openGroups() {
  return new Set([...groupElements()].filter(({ open }) => open).map(({ dataset }) => dataset.title));
}

/** The newest in full, the older ones folded: what is to be looked at now comes before them. */
function showVerdicts([newest, ...older]) {
  const rows = newest ? [verdictRow(newest)] : [];
  if (older.length > 0)
    rows.push(
      make(
        "li",
        {},
        make(
          "details",
          { class: "older" },
          make("summary", {}, `이전 판정 ${older.length}건`),
          make("ul", { class: "told" }, ...older.map(verdictRow)),
        ),
      ),
    );
  verdictList.showRows(rows, { isComplete: false });
  show(find("verdicts"), rows.length > 0);
}

function verdictRow({ date, location, verdict, advice, zone }) {
  return make(
    "li",
    {},
    make("div", { class: "verdict" }, make("strong", {}, date), zone ? chip(zone, verdict) : make("b", {}, verdict)),
    make("span", { class: "hint" }, location),
    advice ? make("p", {}, advice) : null,
  );
}

function showNotable(groups, others) {
  const measured = notableOf(groups).map(({ measure, newest }) => ({
    zone: newest.zone,
    title: measure.title,
    value: `${newest.value} ${measure.unit}`,
    facts: [newest.date, SIDES[newest.side ?? "inside"], rangeText(measure)].filter(Boolean).join(" · "),
  }));
  const said = others
    .filter(({ zone }) => zone === "suspect" || zone === "border")
    .map(({ name, value, date, zone }) => ({ zone, title: name, value, facts: date }));
  const rows = ["suspect", "border"].flatMap((zone) => [...measured, ...said].filter((one) => one.zone === zone));
  find("notable-rows").replaceChildren(...rows.map(notableRow));
  show(find("notable-rows"), rows.length > 0);
  show(find("notable"), groups.length > 0 || others.length > 0);
  show(find("notable-none"), rows.length === 0);
}

function notableRow({ zone, title, value, facts }) {
  return make(
    "li",
    {},
    make("div", { class: "verdict" }, make("strong", {}, title), chip(zone, ZONES[zone])),
    make("span", { class: "value" }, value),
    make("span", { class: "hint" }, facts),
  );
}

function chip(zone, text) {
  return make("span", { class: `chip ${zone}` }, make("span", { "aria-hidden": "true" }, `${SIGNS[zone]} `), text);
}

/** @param {{title: string, measures: import("./measures.js").Measure[]}} group */
function groupSection({ title, measures }, isOpen, onOpened) {
  const worst = worstOf(measures.map((measure) => newestOf(measure).zone));
  const group = foldedGroup(title, worst, isOpen, make("div", { class: "grid" }, ...measures.map(measureCard)));
  group.addEventListener("toggle", onOpened);
  return group;
}

function foldedGroup(title, worst, isOpen, content) {
  const heading = make("h3", {}, title);
  const group = make(
    "details",
    { class: "group" },
    make("summary", {}, heading, worst ? chip(worst, ZONES[worst]) : null),
    content,
  );
  group.dataset.title = title;
  group.open = isOpen;
  return group;
}

const OTHERS = "그 밖의 검사 결과";

function otherSection(results, isOpen) {
  const rows = results.map(({ name, value, date, zone }) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, name),
      make("td", {}, value),
      make("td", {}, zone ? chip(zone, ZONES[zone]) : "–"),
      make("td", {}, date),
    ),
  );
  const table = dataTable("항목마다 가장 최근 결과", ["항목", "결과", "판정", "검진일"], rows);
  const content = make("article", { class: "card measure wide" }, scrollArea("항목마다 가장 최근 결과", table));
  return foldedGroup(OTHERS, worstOf(results.map(({ zone }) => zone)), isOpen, content);
}

/** @param {import("./measures.js").Measure} measure */
function measureCard(measure) {
  const newest = newestOf(measure);
  const side = SIDES[newest.side ?? "inside"];
  const judged = newest.zone ? `${ZONES[newest.zone]}${side ? `, ${side}` : ""}. ` : "";
  const label = `${measure.title} 그래프. 가장 최근 ${newest.date} ${newest.value} ${measure.unit}. ${judged}${newest.change} 자세한 값은 아래 표에 있어요.`;
  return make(
    "article",
    { class: "card measure", "aria-label": measure.title },
    make("header", {}, make("h4", {}, measure.title), newest.zone ? chip(newest.zone, ZONES[newest.zone]) : null),
    make(
      "p",
      { class: "newest" },
      make("strong", {}, newest.value),
      ` ${measure.unit} `,
      make("span", { class: "hint" }, [newest.date, side, newest.change].filter(Boolean).join(" · ")),
    ),
    chartFigure(label, (colour) => lineSettings(measure, colour), measureTable(measure)),
    make("p", { class: "hint" }, rangeText(measure) || "판정 기준이 없는 항목이에요."),
  );
}

function rangeText({ series, unit }) {
  return ["normal", "suspect"]
    .map((zone) => {
      const parts = series
        .filter(({ zones }) => zones[zone])
        .map(({ label, zones }) => (series.length > 1 ? `${label} ` : "") + describeRange(zones[zone], unit));
      return parts.length > 0 ? `${ZONES[zone]} ${parts.join(", ")}` : "";
    })
    .filter(Boolean)
    .join(" · ");
}

function measureTable({ title, unit, digits, series }) {
  const days = [...new Map(series.flatMap(({ points }) => points).map((point) => [point.x, point])).values()].sort(
    (a, b) => b.x - a.x,
  );
  const cell = ({ points }, day) => {
    const point = points.find(({ x }) => x === day.x);
    const zone = point ? zoneOf(point.y, point.zones) : null;
    return make("td", {}, point ? `${point.y.toFixed(digits)}${zone && zone !== "normal" ? ` ${ZONES[zone]}` : ""}` : "–");
  };
  const rows = days.map((day) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, day.date),
      ...series.map((line) => cell(line, day)),
      make("td", {}, day.location),
    ),
  );
  return dataTable(`${title} (${unit})`, ["검진일", ...series.map(({ label }) => label), "검진 기관"], rows);
}
