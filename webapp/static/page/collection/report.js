/**
 * `/disease-report`: body age, rank, and the predicted risks as bars.
 * @module
 */

import { find, make, setText, show, tellStarted } from "../kit/dom.js";
import { missingTexts } from "./missing_report.js";
import { dayText } from "./moments.js";
import { ageNote, basisText, rankText } from "./report_texts.js";
import { ResultsPage } from "./results.js";

const LEVELS = { 정상: ["inside", "✓"], 주의: ["watch", "▲"], 위험: ["above", "▲▲"] };

async function load({ client, uuid }) {
  const { person, report } = await client.reportRecord(uuid);
  const checkupCount = report ? null : (await client.checkups(uuid)).length;
  const hasRecords = checkupCount !== 0 || (await client.hasPrescriptions(uuid)); // a report is made of checkups
  return { report, checkupCount, hasRecords, birthday: person.birthdate };
}

function draw({ report, checkupCount, hasRecords, birthday }, page) {
  for (const id of ["report-summary", "report-risks"]) show(find(id), report !== null);
  page.offerPassword(hasRecords);
  if (report === null) {
    drawNone(page, checkupCount);
    return;
  }
  show(find("nothing"), false);
  page.lead(basisText(report.checkup_date));
  setText(find("bodyage"), report.bodyage === null ? "–" : `${report.bodyage}세`);
  setText(find("bodyage-note"), ageNote(report, birthday));
  setText(find("rank"), rankText(report.rank));
  setText(
    find("analyzed"),
    report.analyzed_at ? `${dayText(report.analyzed_at)}에 분석했어요.` : "",
  );
  drawPdf(report.report_url);
  const longest = Math.max(2, ...[...report.disease_data, ...report.cancer_data].map(({ rate }) => Number(rate) || 0));
  find("disease").replaceChildren(riskTable("질병 위험도", report.disease_data, longest));
  find("cancer").replaceChildren(riskTable("암 위험도", report.cancer_data, longest));
}

function drawNone(page, checkupCount) {
  page.lead(page.live ? "리포트를 만들고 있어요. 끝나면 바로 보여드릴게요." : "");
  if (page.live) return;
  const { title, text } = missingTexts(page.missingReport, checkupCount);
  page.notify("");
  show(find("nothing"));
  setText(find("nothing-title"), title);
  setText(find("nothing-text"), text);
}

/** Only an address of the web becomes a link, whatever the report says. */
function drawPdf(address) {
  const url = URL.canParse(address ?? "") ? new URL(address) : null;
  const safe = url && (url.protocol === "https:" || url.protocol === "http:");
  find("pdf-place").replaceChildren(
    safe
      ? make(
          "a",
          { class: "button primary", href: url.href, target: "_blank", rel: "noopener noreferrer" },
          "PDF로 보기",
          make("span", { class: "sr" }, " (새 창)"),
        )
      : "PDF가 없어요.",
  );
}

function riskTable(caption, entries, longest) {
  if (entries.length === 0) return make("p", { class: "hint" }, "예측된 항목이 없어요.");
  const sorted = [...entries].sort((a, b) => (Number(b.rate) || 0) - (Number(a.rate) || 0));
  return make(
    "table",
    { class: "bars" },
    make("caption", { class: "sr" }, `${caption}, 높은 순`),
    make(
      "thead",
      { class: "sr" },
      make("tr", {}, ...["이름", "위험도", "단계"].map((head) => make("th", { scope: "col" }, head))),
    ),
    make("tbody", {}, ...sorted.map((entry) => riskRow(entry, longest))),
  );
}

function riskRow({ name, rate, level }, longest) {
  const [kind, sign] = LEVELS[level] ?? ["", ""];
  const bar = make("span", { class: `risk ${kind}`, "aria-hidden": "true" });
  bar.style.inlineSize = `${Math.min(100, ((Number(rate) || 0) / longest) * 100)}%`;
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    make(
      "td",
      {},
      make("div", { class: "track" }, bar),
      make("span", { class: "rate" }, rate === null || rate === undefined ? "–" : String(rate)),
    ),
    make(
      "td",
      {},
      level ? make("span", { class: `chip ${kind}` }, make("span", { "aria-hidden": "true" }, `${sign} `), level) : "",
    ),
  );
}

tellStarted();
await new ResultsPage({ load, draw }).open();
