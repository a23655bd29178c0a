/**
 * `/results-trend`: whose records, what the insurer says of the checkups, their values over the years, and treatments.
 * @module
 */

import { tellStarted } from "../kit/dom.js";
import { drawCharts } from "./charts.js";
import { troubleOf } from "./errors.js";
import { dayText } from "./moments.js";
import { ResultsPage } from "./results.js";
import { openAllGroups, showCheckups, showCheckupsLoading } from "./trend_checkups.js";
import { VisitsSection } from "./trend_visits.js";

const visits = new VisitsSection();
let turn = 0;

/** The checkups are shown as soon as they are there; the treatments, which are many, follow page by page. */
async function load(page) {
  showCheckupsLoading();
  visits.showLoading();
  const mine = ++turn;
  const { client, uuid } = page;
  const coming = followTreatments(client, uuid, () => mine === turn, page);
  const checkups = await client.checkupRecords(uuid);
  return { ...checkups, checkups: checkups.items, coming };
}

/** @returns {Promise<{count: number|null, error?: any}>} no count where they could not be had */
async function followTreatments(client, uuid, isCurrent, page) {
  const items = [];
  try {
    await client.prescriptions(uuid, (got) => {
      items.push(...got.items);
      if (isCurrent() && got.next) visits.show(items, { isComplete: false });
    });
  } catch (/** @type {any} */ error) {
    return { count: null, error };
  }
  if (isCurrent()) visits.show(items, { isComplete: !page.live });
  return { count: items.length };
}

async function fallBack({ database, uuid }) {
  turn += 1;
  const kept = await database.readRecords(uuid);
  if (!kept) return null;
  visits.show(kept.prescriptionData, { isComplete: true });
  return {
    person: { name: kept.patientName, gender: kept.gender },
    collected_at: kept.updatedAt,
    checkups: kept.healthData,
    coming: Promise.resolve({ count: kept.prescriptionData.length }),
  };
}

/** @param {ResultsPage} page */
async function drawWhatIsSeen(page) {
  if (!(await drawCharts())) page.notify("그래프를 불러오지 못해 표로 보여드려요.");
}

function draw({ person, collected_at, checkups, coming }, page) {
  const mine = turn;
  page.offerPassword(checkups.length > 0);
  showCheckups(checkups, {
    gender: person.gender,
    isComplete: !page.live,
    onOpened: () => drawWhatIsSeen(page),
  });
  const lead = (count) => {
    const counted = [`건강검진 ${checkups.length}건`, count === null ? "" : `진료·투약 ${count}건`].filter(Boolean);
    const whose = person.name ? `${person.name}님의 기록이에요.` : "";
    const when = collected_at ? `${dayText(collected_at)}에 모았어요.` : "";
    page.lead([whose, when, `${counted.join(", ")}이에요.`, page.live ? "아직 받고 있어요." : ""].filter(Boolean).join(" "));
  };
  lead(null);
  void coming.then(({ count, error }) => {
    if (mine !== turn) return;
    if (error) visits.showError(troubleOf(error, () => page.refresh()));
    else {
      lead(count);
      page.offerPassword(checkups.length + (count ?? 0) > 0);
    }
    void drawWhatIsSeen(page); // here, as treatments may come before the checkups bring the page into sight
  });
}

addEventListener("beforeprint", () => {
  openAllGroups();
  visits.showAll();
  void drawCharts(); // now: the groups' own call comes after the page has been laid out for the printer
});
tellStarted();
await new ResultsPage({ load, draw, fallBack }).open();
