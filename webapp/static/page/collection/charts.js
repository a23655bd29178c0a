/**
 * Draws with Chart.js in the page's own colours; a table with the same numbers stands under each chart. The library is
 * loaded when the first chart is to be seen: it is more than all else of a page.
 * @module
 */

import { make } from "../kit/dom.js";
import { loadLibrary } from "../kit/library.js";

const SCHEMES = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"].map((query) =>
  matchMedia(query),
);
const FORCED = SCHEMES[2];
const CLEAR = "rgba(0, 0, 0, 0)";
/** canvas -> the function that makes its settings anew, for when the colours change */
const drawn = new Map();

/** @type {Promise<boolean>|null} */
let library = null;

/** @returns {Promise<boolean>} whether it is there; without it the tables are the whole picture */
function loadCharts() {
  library ??= importCharts();
  return library;
}

async function importCharts() {
  const addresses = /** @type {HTMLElement} */ (document.querySelector("[data-chart-library]")).dataset.chartLibrary;
  try {
    for (const address of addresses?.split(" ") ?? []) await loadLibrary(address);
  } catch {
    library = null; // the next chart tries again
    return false;
  }
  return Boolean(globalThis.Chart);
}

/**
 * @param {string} label what a screen reader says for the picture
 * @param {(colours: Record<string, string>) => any} configure makes the settings for Chart.js
 * @returns {HTMLElement} call `drawCharts` once it stands in the document
 */
export function chartFigure(label, configure, table) {
  const canvas = make("canvas", { role: "img", "aria-label": label });
  const id = `table-${drawn.size + 1}-${Math.round(performance.now())}`;
  const holder = scrollArea(table.caption?.textContent ?? label, table);
  holder.id = id;
  putAway(holder);
  const picture = make("div", { class: "canvas" }, canvas);
  const button = tableButton(holder);
  drawn.set(canvas, { configure, chart: null, giveUp: () => showTableAlone({ picture, button, holder }) });
  return make("figure", {}, picture, button, holder);
}

function showTableAlone({ picture, button, holder }) {
  picture.remove();
  button.remove();
  bringOut(holder);
}

/** A table that may be wider than the screen: who has no mouse scrolls it with the arrow keys. */
export function scrollArea(name, table) {
  const area = make("div", { class: "table", "aria-label": name }, table);
  bringOut(area);
  return area;
}

function bringOut(area) {
  area.classList.remove("sr");
  area.setAttribute("role", "region");
  area.tabIndex = 0;
}

/** For screen readers alone, and no stop for the tab key that nobody sees. */
function putAway(area) {
  area.classList.add("sr");
  area.setAttribute("role", "group");
  area.removeAttribute("tabindex");
}

function tableButton(holder) {
  const button = make(
    "button",
    { type: "button", class: "quiet small", "aria-expanded": "false", "aria-controls": holder.id },
    "표로 보기",
  );
  button.addEventListener("click", () => {
    const hidden = !holder.classList.contains("sr");
    if (hidden) putAway(holder);
    else bringOut(holder);
    button.setAttribute("aria-expanded", String(!hidden));
    button.textContent = hidden ? "표로 보기" : "표 닫기";
  });
  return button;
}

/**
 * Draws what is to be seen, forgets what has left the document.
 * @returns {Promise<boolean>} false when the library cannot be had: tables stand in the charts' places
 */
export async function drawCharts() {
  for (const canvas of drawn.keys()) if (!canvas.isConnected) forget(canvas);
  const isWanted = [...drawn].some(([canvas, { chart }]) => !chart && isSeen(canvas));
  if (!isWanted) return true;
  const isThere = await loadCharts();
  for (const [canvas, entry] of drawn) {
    if (!canvas.isConnected) forget(canvas);
    else if (!isSeen(canvas)) continue;
    else if (isThere) entry.chart ??= new globalThis.Chart(canvas, entry.configure(colours()));
    else {
      entry.giveUp();
      forget(canvas);
    }
  }
  return isThere;
}

/** What is hidden has no size yet, and what is folded away has one in some browsers: it is drawn when it is brought out. */
const isSeen = (canvas) => canvas.parentElement.clientWidth > 0 && !canvas.closest("details:not([open])");

function forget(canvas) {
  drawn.get(canvas)?.chart?.destroy();
  drawn.delete(canvas);
}

function redraw() {
  for (const entry of drawn.values()) {
    entry.chart?.destroy();
    entry.chart = null;
  }
  void drawCharts();
}
for (const scheme of SCHEMES) scheme.addEventListener("change", redraw);

/** A canvas knows neither variables nor forced colours: ask the document what they are now. */
function colours() {
  const probe = make("span", { hidden: true });
  document.body.append(probe);
  const resolve = (colour) => {
    probe.style.color = colour;
    return getComputedStyle(probe).color;
  };
  const wanted = FORCED.matches
    ? { line: "LinkText", second: "CanvasText", ink: "CanvasText", grid: "GrayText", edge: "CanvasText", limit: "CanvasText" }
    : {
        line: "var(--accent)",
        second: "var(--series-2)",
        ink: "var(--quiet)",
        grid: "var(--line)",
        shade: "var(--shade)",
        secondShade: "var(--shade-2)",
        limit: "var(--bad)",
      };
  const found = Object.fromEntries(Object.entries(wanted).map(([name, colour]) => [name, resolve(colour)]));
  probe.remove();
  // With forced colours a band is its dotted edge, without them its shade.
  return { shade: CLEAR, secondShade: CLEAR, edge: CLEAR, ...found };
}

/** @param {import("./measures.js").Measure} measure */
export function lineSettings({ series, digits, unit }, colour) {
  const points = series.flatMap((line) => line.points);
  const years = points.map(({ x }) => Math.floor(x));
  return {
    type: "line",
    data: { datasets: series.map((line, index) => dataset(line, index, colour)) },
    options: {
      ...shared(colour),
      parsing: false,
      scales: {
        x: {
          type: "linear",
          min: Math.min(...years),
          max: Math.max(...years) + 1,
          grid: { display: false },
          ticks: {
            color: colour.ink,
            stepSize: 1,
            maxRotation: 0,
            autoSkipPadding: 12,
            precision: 0,
            callback: (year) => String(year),
          },
        },
        y: { ...limits(series, points), grid: { color: colour.grid }, ticks: { color: colour.ink, maxTicksLimit: 6 } },
      },
      plugins: {
        legend: { display: series.length > 1, labels: { color: colour.ink, usePointStyle: true, boxHeight: 7 } },
        annotation: {
          annotations: series.flatMap(({ zones }, index) => [
            ...band(zones.normal, series[index + 1]?.zones.normal, index, colour),
            ...suspectLines(zones.suspect, colour),
          ]),
        },
        tooltip: {
          callbacks: {
            title: ([{ raw }]) => raw.date,
            label: ({ raw, dataset: { label } }) => `${label} ${raw.y.toFixed(digits)} ${unit}`,
          },
        },
      },
    },
  };
}

/** Told apart by shape and dashes, not by colour alone. */
function dataset(line, index, colour) {
  const paint = index === 0 ? colour.line : colour.second;
  return {
    label: line.label,
    data: line.points,
    borderColor: paint,
    backgroundColor: paint,
    borderWidth: 2.5,
    tension: 0,
    borderDash: index === 0 ? [] : [6, 4],
    pointRadius: 4,
    pointHoverRadius: 7,
    pointHitRadius: 16,
    pointStyle: index === 0 ? "circle" : "rectRot",
  };
}

/** Room for the whole reference band where it is near, and some air. */
function limits(series, points) {
  const bounds = series
    .flatMap(({ zones: { normal } }) => (normal ? [normal.low, normal.high] : []))
    .filter((limit) => limit !== null);
  const values = [...points.map(({ y }) => y), ...bounds];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const air = Math.max((high - low) * 0.15, Math.abs(high) * 0.03);
  return { suggestedMin: Math.max(0, low - air), suggestedMax: high + air };
}

/** Of a pair, the upper value's band begins where the lower one's ends: one shade each. */
function band(range, below, index, colour) {
  if (!range) return [];
  const low = range.low ?? below?.high ?? null;
  return [
    {
      type: "box",
      drawTime: "beforeDatasetsDraw",
      backgroundColor: index === 0 ? colour.shade : colour.secondShade,
      borderColor: colour.edge,
      borderWidth: 1,
      borderDash: [2, 3],
      ...(low === null ? {} : { yMin: low }),
      ...(range.high === null ? {} : { yMax: range.high }),
    },
  ];
}

/** From where on a disease is suspected; seen where the values come near. */
function suspectLines(suspect, colour) {
  return [suspect?.low, suspect?.high]
    .filter((limit) => limit !== null && limit !== undefined)
    .map((limit) => ({ type: "line", yMin: limit, yMax: limit, borderColor: colour.limit, borderWidth: 1.5, borderDash: [6, 4] }));
}

/** @param {{month: string, visits: number}[]} months @param {(month: string) => string} name */
export function barSettings(months, name, colour) {
  return {
    type: "bar",
    data: {
      labels: months.map(({ month }) => month.slice(2).replace("-", ".")),
      datasets: [
        {
          label: "진료·조제",
          data: months.map(({ visits }) => visits),
          backgroundColor: colour.line,
          borderRadius: 4,
          maxBarThickness: 36,
        },
      ],
    },
    options: {
      ...shared(colour),
      scales: {
        x: { grid: { display: false }, ticks: { color: colour.ink, maxRotation: 0, autoSkipPadding: 10 } },
        y: { beginAtZero: true, grid: { color: colour.grid }, ticks: { color: colour.ink, precision: 0 } },
      },
      plugins: {
        legend: { display: false },
        tooltip: {
          callbacks: {
            title: ([{ dataIndex }]) => name(months[dataIndex].month),
            label: ({ raw }) => `${raw}건`,
          },
        },
      },
    },
  };
}

function shared(colour) {
  const font = getComputedStyle(document.body).fontFamily;
  return {
    responsive: true,
    maintainAspectRatio: false,
    locale: "ko-KR",
    font: { family: font, size: 13 },
    color: colour.ink,
    animation: false, // fifteen charts at once: numbers that wobble help nobody
    interaction: { mode: "nearest", intersect: false },
  };
}
