/** What a link gave, as a person reads it: ours and others', with all that may be missing. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { attachmentPart } from "../../webapp/static/page/shl/attachment_part.js";
import { lineOf, readFile, readResource } from "../../webapp/static/page/shl/content.js";
import { explainFault } from "../../webapp/static/page/shl/words.js";
import { buildAttachment, buildSummary, encryptFile, HealthLinkError, writeLink } from "../../webapp/static/sdk/shl.js";
import { encodeBase64url } from "../../webapp/static/sdk/core/base64url.js";
import { settle } from "./browser.js";
import { openDocument } from "./document.js";
import { until } from "./threads-setup.js";

const PERSON = { name: "김하늘", birthdate: "1984-05-17", gender: "F" };
const CHECKUP = { id: 1, checkup_date: "2026-03-02", year: 2026, location: "한빛", bmi: 23.6, systolic_mmhg: 118, diastolic_mmhg: 76, items: [] };
const linesOf = ({ sections }) => sections.flatMap(({ lines }) => lines.map(({ name, value, date }) => [name, value, date]));

test("a summary of ours is read by its sections, with what it does not know", () => {
  const reading = readResource(buildSummary({ person: PERSON, checkups: [CHECKUP] }));
  assert.deepEqual(reading.person, { name: "김하늘", birthDate: "1984-05-17" });
  assert.deepEqual(reading.sources, ["국민건강보험공단"]);
  assert.deepEqual(linesOf(reading), [
    ["체질량지수", "23.6 kg/m²", "2026-03-02"],
    ["혈압", "수축기 혈압 118 mmHg, 이완기 혈압 76 mmHg", "2026-03-02"],
  ]);
  assert.equal(reading.sections.find(({ title }) => title === "알레르기").empty, "이 기록에는 없는 내용이에요.");
});

const observationsOf = (checkup) =>
  buildSummary({ person: PERSON, checkups: [checkup] }).entry.flatMap(({ resource }) => (resource.resourceType === "Observation" ? [resource] : []));
const toldIn = (checkup) => observationsOf(checkup).map(({ code, valueQuantity, valueString }) => [code.text, valueString ?? valueQuantity?.value]);
const PRESSURE = ["systolic_mmhg", "diastolic_mmhg"];

test("what has no observation of its own stays in the insurer's words", () => {
  const items = [
    { name: "중성지방", value: "500 이상", number: null, unit: "mg/dL", columns: ["triglycerides_mg_dl"] },
    { name: "공복혈당", value: "측정불가", number: null, unit: "", columns: ["fasting_glucose_mg_dl"] },
    { name: "혈압(최고/최저)", value: "측정불가", number: null, unit: "", columns: PRESSURE },
  ];
  const values = { triglycerides_mg_dl: null, fasting_glucose_mg_dl: null, systolic_mmhg: null, diastolic_mmhg: null };
  assert.deepEqual(toldIn({ id: 1, checkup_date: "2026-03-02", location: "한빛", ...values, items }), [
    ["중성지방", "500 이상 mg/dL"],
    ["공복혈당", "측정불가"],
    ["혈압(최고/최저)", "측정불가"],
  ]);
});

/** A checkup that tells nothing but this of a pressure. */
const pressureOnly = (value, systolic_mmhg, diastolic_mmhg) => {
  const item = { name: "혈압(최고/최저)", value, number: null, unit: "mmHg", columns: PRESSURE };
  return { id: 1, checkup_date: "2026-03-02", location: "한빛", systolic_mmhg, diastolic_mmhg, items: [item] };
};
const HALVES = [
  ["120/", 120, null, "수축기 혈압 120 mmHg, 이완기 혈압 알 수 없음"],
  ["120", 120, null, "수축기 혈압 120 mmHg, 이완기 혈압 알 수 없음"],
  ["/80", null, 80, "수축기 혈압 알 수 없음, 이완기 혈압 80 mmHg"],
];

for (const [value, systolic, diastolic, words] of HALVES)
  test(`half a pressure (${value}) is a component, and that the other is not known is the other one`, () => {
    const checkup = pressureOnly(value, systolic, diastolic);
    const [pressure, ...more] = observationsOf(checkup);
    assert.deepEqual(more, []);
    assert.equal(pressure.code.coding[0].code, "85354-9");
    assert.deepEqual(pressure.component.map(({ valueQuantity }) => valueQuantity?.value ?? null), [systolic, diastolic]);
    const absent = pressure.component.flatMap(({ dataAbsentReason }) => dataAbsentReason ?? []);
    assert.deepEqual(absent.map(({ coding }) => coding), [[{ system: "http://terminology.hl7.org/CodeSystem/data-absent-reason", code: "unknown" }]]);
    const summary = buildSummary({ person: PERSON, checkups: [checkup] });
    assert.deepEqual(linesOf(readResource(summary)), [["혈압", words, "2026-03-02"]]);
    const [{ resource: composition }] = summary.entry;
    assert.match(composition.section.map(({ text }) => text.div).join(""), new RegExp(`혈압: ${words}`));
  });

test("a word in the place of a half is told beside the half that was read", () => {
  assert.deepEqual(toldIn(pressureOnly("118/재측정", 118, null)), [
    ["혈압", undefined],
    ["혈압(최고/최저)", "118/재측정 mmHg"],
  ]);
});

test("what has an observation of its own is told once, however its centre spells it", () => {
  const items = [
    { name: "고밀도 콜레스테롤", value: "61", number: 61, unit: "mg/dL", columns: ["hdl_mg_dl"] },
    { name: "최고혈압", value: "118", number: 118, unit: "mmHg", columns: ["systolic_mmhg"] },
    { name: "혈압", value: "118/76", number: null, unit: "mmHg", columns: PRESSURE },
  ];
  const values = { hdl_mg_dl: 61, systolic_mmhg: 118, diastolic_mmhg: 76 };
  assert.deepEqual(toldIn({ id: 1, checkup_date: "2026-03-02", location: "한빛", ...values, items }).map(([text]) => text), ["혈압", "HDL 콜레스테롤"]);
});

test("a vital sign has the day that R4 wants, or is none", () => {
  const vitals = (checkup) => observationsOf(checkup).filter(({ category }) => category[0].coding[0].code === "vital-signs");
  assert.equal(vitals(CHECKUP).length, 2);
  for (const undated of [{ ...CHECKUP, checkup_date: null }, { ...CHECKUP, checkup_date: null, year: null }]) {
    assert.equal(vitals(undated).length, 0);
    assert.equal(observationsOf(undated).length, 2);
  }
});

test("a document of others is read with references of either kind and sections within sections", () => {
  const entry = [
    { resource: { resourceType: "Composition", title: "IPS", section: [{ title: "All", section: [{ title: "Problems", entry: [{ reference: "Condition/c1" }, { reference: "Condition/gone" }] }] }] } },
    { resource: { resourceType: "Patient", name: [{ given: ["Oliver"], family: "Brown" }] } },
    { resource: { resourceType: "Condition", id: "c1", code: { coding: [{ display: "Asthma" }] }, onsetDateTime: "2019-05-01T10:00:00Z" } },
  ];
  const reading = readResource({ resourceType: "Bundle", entry });
  assert.deepEqual(reading.person, { name: "Oliver Brown", birthDate: "" });
  assert.deepEqual(reading.sections.map(({ title }) => title), ["Problems"]);
  assert.deepEqual(linesOf(reading), [["Asthma", "", "2019-05-01"]]);
});

test("what has no composition is read by kinds", () => {
  const entry = [
    { resource: { resourceType: "Patient" } },
    { resource: { resourceType: "Immunization", vaccineCode: { coding: [{ code: "207" }] }, occurrenceDateTime: "2021-01-01" } },
    { resource: { resourceType: "Endpoint", name: "Portal" } },
    {},
  ];
  const reading = readResource({ resourceType: "Bundle", entry });
  assert.deepEqual(reading.sections.map(({ title }) => title), ["예방접종", "Endpoint"]);
  assert.deepEqual(linesOf(reading), [["207", "", "2021-01-01"], ["Portal", "", ""]]);
});

test("a single resource is read, and what is none is shown as it came", async () => {
  const [reading] = await readFile({ content: { resourceType: "Observation", code: { text: "키" }, valueQuantity: { value: 1, code: "m" } } });
  assert.deepEqual(linesOf(reading), [["키", "1 m", ""]]);
  for (const content of [null, [], 1, { verifiableCredential: "x" }, {}]) assert.deepEqual(await readFile({ content }), []);
  assert.deepEqual(lineOf({ resourceType: "Device" }), { name: "Device", value: "", date: "" });
});

test("each fault has a sentence, and a wrong passcode says what is left", () => {
  const codes = ["NOT_A_LINK", "NEWER_VERSION", "INACTIVE", "UNREACHABLE", "UNREADABLE", "TOO_LARGE", "TOO_OFTEN", "PASSCODE"];
  for (const code of codes) assert.match(explainFault(new HealthLinkError(code)), /[가-힣].*\.$/, code);
  assert.match(explainFault(new HealthLinkError("PASSCODE", { remainingAttempts: 3 })), /3번 더/);
  assert.match(explainFault(new HealthLinkError("PASSCODE", { remainingAttempts: 0 })), /끝났어요/);
});

test("what others wrote wrongly is shown as it came", async (t) => {
  const key = new Uint8Array(32);
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  const card = (told) => `${encodeBase64url(new TextEncoder().encode("{}"))}.${encodeBase64url(new TextEncoder().encode(JSON.stringify(told)))}.x`;
  const wrong = ['{"resourceType": "Bundle", "entry": [null]}', '{"resourceType": "Bundle", "entry": 1}', '{"resourceType": "Observation", "component": [null]}'];
  const cards = [{}, { vc: { credentialSubject: {} } }].map((told) => JSON.stringify({ verifiableCredential: [card(told)] }));
  const untitled = JSON.stringify({ resourceType: "Observation", code: { text: "키" } });
  const texts = [untitled, ...wrong, ...cards, deep];
  const files = await Promise.all(texts.map(async (text) => ({ embedded: await encryptFile(key, text, "application/json") })));
  t.mock.method(globalThis, "fetch", async () => Response.json({ files }));
  const find = openDocument();
  globalThis.addEventListener ??= () => {};
  globalThis.location = /** @type {any} */ ({ hash: `#${writeLink({ url: "https://ehr.example/1", key: encodeBase64url(key) })}` });
  find("recipient").value = "김 의사";
  await import("../../webapp/static/page/shl/page.js");
  find("open-form").dispatchEvent(new Event("submit"));
  await until(() => find("files").childElementCount > 0);
  await settle();
  const shown = find("files").all(({ tagName }) => tagName === "PRE").map(({ textContent }) => textContent);
  assert.deepEqual(shown.slice(0, -1).map((text) => JSON.parse(text)), texts.slice(0, -1).map((text) => JSON.parse(text)));
  const headings = find("files").all(({ tagName }) => /^H\d$/.test(tagName)).map(({ tagName }) => tagName);
  assert.equal(headings[0], "H2"); // also of what has no title
  assert.equal(shown.at(-1).replaceAll(/\s/g, "").length, deep.length);
});

test("a picture and a PDF of a link are files to be shown and saved, and no lines", async () => {
  const picture = buildAttachment({ name: "흉부.png", type: "image/png", bytes: new Uint8Array([1, 2]), sentAt: "2026-11-26T00:00:00Z" });
  const [reading] = await readFile({ content: picture });
  assert.deepEqual(reading.attachments, [{ name: "흉부.png", type: "image/png", data: "AQI=" }]);
  assert.deepEqual(reading.sections, []);
  const others = readResource({
    resourceType: "Bundle",
    entry: [
      { resource: { resourceType: "Binary", contentType: "application/pdf", data: "AQ\n==" } },
      { resource: { resourceType: "DocumentReference", content: [{ attachment: { url: "https://ehr.example/1" } }] } },
      { resource: { resourceType: "DiagnosticReport", code: { text: "CT" }, presentedForm: [{ data: "not base64!" }, {}] } },
    ],
  });
  assert.deepEqual(others.attachments, [{ name: "", type: "application/pdf", data: "AQ==" }]);
  assert.deepEqual(others.sections.map(({ title }) => title), ["파일", "DiagnosticReport"]);
});

test("a picture is shown, and what is none is only saved, whatever it says of itself", () => {
  openDocument();
  const shown = (type) => attachmentPart({ name: "a", type, data: "AQ==" }).all(({ tagName }) => tagName === "IMG");
  assert.equal(shown("image/png")[0].src, "data:image/png;base64,AQ==");
  for (const type of ["image/svg+xml", "text/html", "application/pdf", ""]) assert.deepEqual(shown(type), [], type);
  assert.ok(attachmentPart({ name: "", type: "", data: "AQ==" }).button("저장하기: 이름 없는 파일"));
});
