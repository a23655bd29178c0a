/**
 * `/results-trend`: checkups over the years as charts, prescriptions by time.
 * @module
 */

import { barSettings, canDraw, chartFigure, lineSettings, scrollArea, startDrawing } from "./charts.js";
import { find, make } from "../kit/dom.js";
import { List } from "../kit/list.js";
import { groupMeasures, newestOf, otherResults } from "./measures.js";
import { describeRange, place } from "./ranges.js";
import { ResultsPage } from "./results.js";
import { byMonth, medicinesOf, monthlyCounts, monthText } from "./visits.js";

const VISITS_AT_ONCE = 20;
const checkupList = new List("checkups");
const visitList = new List("visits");
const JUDGEMENTS = { inside: "참고 범위 안", above: "참고 범위보다 높음", below: "참고 범위보다 낮음" };
const SIGNS = { inside: "✓", above: "▲", below: "▼" };

async function load({ client, uuid }) {
  const [checkups, prescriptions] = await Promise.all([client.checkups(uuid), client.prescriptions(uuid)]);
  return { checkups, prescriptions };
}

async function fallBack({ database, uuid }) {
  const kept = await database.readRecords(uuid);
  return kept && { checkups: kept.healthData, prescriptions: kept.prescriptionData };
}

function draw({ checkups, prescriptions }, page) {
  const pending = page.live ? "아직 받고 있어요." : "";
  page.lead(`건강검진 ${checkups.length}건, 진료·투약 ${prescriptions.length}건이에요. ${pending}`);
  drawCheckups(checkups, page);
  drawVisits(prescriptions, page);
  startDrawing();
  if (!canDraw()) page.notify("그래프를 불러오지 못해 표로 보여드려요.");
}

function drawCheckups(checkups, page) {
  const groups = groupMeasures(checkups, page.gender).map(({ title, measures }) =>
    make(
      "section",
      { class: "group" },
      make("h3", {}, title),
      make("div", { class: "grid" }, ...measures.map(measureCard)),
    ),
  );
  const others = otherResults(checkups);
  if (others.length > 0) groups.push(otherSection(others));
  checkupList.showRows(groups, { isComplete: checkups.length === 0 && !page.live });
}

function otherSection(results) {
  const rows = results.map(({ name, value, date }) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value), make("td", {}, date)),
  );
  return make(
    "section",
    { class: "group" },
    make("h3", {}, "그 밖의 검사 결과"),
    make(
      "article",
      { class: "card measure wide" },
      scrollArea(
        "항목마다 가장 최근 결과",
        dataTable("항목마다 가장 최근 결과", ["항목", "결과", "검진일"], rows),
      ),
    ),
  );
}

function measureCard(measure) {
  const newest = newestOf(measure);
  const ranges = measure.series.map(
    ({ label, range }) =>
      range &&
      (measure.series.length > 1
        ? `${label} ${describeRange(range, measure.unit)}`
        : describeRange(range, measure.unit)),
  );
  const chip =
    newest.judgement &&
    make(
      "span",
      { class: `chip ${newest.judgement}` },
      make("span", { "aria-hidden": "true" }, `${SIGNS[newest.judgement]} `),
      JUDGEMENTS[newest.judgement],
    );
  const label = `${measure.title} 그래프. 가장 최근 ${newest.date} ${newest.value} ${measure.unit}. ${newest.change} 자세한 값은 아래 표에 있어요.`;
  return make(
    "article",
    { class: "card measure", "aria-label": measure.title },
    make("header", {}, make("h4", {}, measure.title), chip),
    make(
      "p",
      { class: "newest" },
      make("strong", {}, newest.value),
      ` ${measure.unit} `,
      make("span", { class: "hint" }, [newest.date, newest.change].filter(Boolean).join(" · ")),
    ),
    chartFigure(label, (colour) => lineSettings(measure, colour), measureTable(measure)),
    make(
      "p",
      { class: "hint" },
      ranges.some(Boolean) ? `참고 범위: ${ranges.filter(Boolean).join(", ")}` : "참고 범위가 없는 항목이에요.",
    ),
  );
}

function measureTable({ title, unit, digits, series }) {
  const days = [...new Map(series.flatMap(({ points }) => points).map((point) => [point.x, point])).values()].sort(
    (a, b) => b.x - a.x,
  );
  const cell = ({ points, range }, day) => {
    const point = points.find(({ x }) => x === day.x);
    const note = point && range && place(point.y, range) !== "inside" ? ` ${SIGNS[place(point.y, range)]}` : "";
    const spoken = note ? make("span", { class: "sr" }, JUDGEMENTS[place(point.y, range)]) : null;
    return make("td", {}, point ? `${point.y.toFixed(digits)}${note}` : "–", spoken);
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

function dataTable(caption, heads, rows) {
  return make(
    "table",
    {},
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, ...rows),
  );
}

function drawVisits(prescriptions, page) {
  const months = monthlyCounts(prescriptions);
  find("visits-chart").replaceChildren(...(months.length > 0 ? [visitsCard(months)] : []));
  listVisits(byMonth(prescriptions), { most: VISITS_AT_ONCE, isComplete: !page.live });
}

function visitsCard(months) {
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

/**
 * Several hundred rows are a long page: some at a time, whole months.
 * @param {ReturnType<typeof byMonth>} months @param {{most: number, isComplete?: boolean, focusFrom?: number|null}} how
 */
function listVisits(months, { most, isComplete = true, focusFrom = null }) {
  let count = 0;
  const shown = months.filter(({ items }) => (count += items.length) - items.length < most);
  const showMore = () => listVisits(months, { most: most + VISITS_AT_ONCE, isComplete, focusFrom: shown.length });
  visitList.showRows(shown.map(monthSection), {
    isComplete,
    focusFrom,
    onMore: shown.length < months.length ? showMore : null,
  });
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
  const date = String(item.treatment_date ?? "")
    .slice(5, 10)
    .replace("-", ".");
  const facts = [item.treatment_type, item.address].filter(Boolean).join(" · ");
  return make(
    "li",
    {},
    make("time", { dateTime: item.treatment_date ?? "" }, date),
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
    make("span", { class: "hint" }, [effect, days].filter(Boolean).join(" · ")),
  );
}

await new ResultsPage({ load, draw, fallBack }).open();
