import assert from "node:assert/strict";
import { test } from "node:test";

import { checkField, checkForm, cleanValues, serverFaults } from "../../webapp/static/page/collection/form.js";
import { newestOfKinds } from "../../webapp/static/page/collection/consents.js";
import { missingNotice, missingTexts } from "../../webapp/static/page/collection/missing_report.js";
import { openingText } from "../../webapp/static/page/collection/openings.js";
import { countdownText } from "../../webapp/static/page/collection/moments.js";
import { ageNote, basisText, rankText } from "../../webapp/static/page/collection/report_texts.js";
import { groupMeasures, newestOf, notableOf, otherResults, verdictsOf } from "../../webapp/static/page/collection/measures.js";
import { describeRange, parseRange, place, servedZones, weightRange, zoneOf, zoneOfWords } from "../../webapp/static/page/collection/ranges.js";
import { byMedicine, byMonth, matches, monthlyCounts } from "../../webapp/static/page/collection/visits.js";
import { medicinesOf } from "../../webapp/static/sdk/collection/medicines.js";

const GOOD = {
  user_name: "김하늘",
  birthdate: "19840517",
  gender: "M",
  phone_no: "010-0000-0001",
  private_auth_type: "0",
  missingConsents: [],
};

test("a good form has no fault", () => assert.deepEqual(checkForm(GOOD), {}));

for (const [name, value] of [
  ["user_name", " "],
  ["user_name", "김123"],
  ["birthdate", "840517"],
  ["birthdate", "20230230"],
  ["birthdate", "18000101"],
  ["gender", ""],
  ["phone_no", "0212345678"],
  ["phone_no", "010"],
  ["private_auth_type", ""],
]) {
  test(`${name} "${value}" is told at its field`, () => {
    assert.deepEqual(Object.keys(checkForm({ ...GOOD, [name]: value })), [name]);
  });
}

test("whether a day has come already is left to the server: the device's clock may be wrong", () =>
  assert.deepEqual(checkForm({ ...GOOD, birthdate: "20991231" }), {}));

const REFUSED = { kind: "sensitive", title: "민감정보 수집" };

test("a missing consent is told at the consent, by its name", () => {
  const fault = checkField("consents", { ...GOOD, missingConsents: [REFUSED] });
  assert.match(fault, /‘민감정보 수집’에 동의해 주세요/);
  assert.doesNotMatch(fault, /건강 추이 보기/);
});

test("who refuses the consent to the report is told what can be had without", () => {
  const report = { kind: "third_party_mediarc", title: "질병 예측 리포트를 위한 제3자 제공" };
  assert.match(checkField("consents", { ...GOOD, missingConsents: [report] }), /건강 추이 보기/);
});

test("what the server says of a consent is told at the consents", () =>
  assert.deepEqual(serverFaults({ consent_texts: ["다시 확인해 주세요."] }), { consents: "다시 확인해 주세요." }));

test("why there is no report is told by what is stored, then by what the run said", () => {
  const title = (told, count) => missingTexts(told, count).title;
  assert.match(title(null, 0), /건강검진 기록이 없어서/);
  assert.match(title("unread", 0), /가져오지 못해서/);
  assert.match(title("failed", 2), /리포트를 만드는 곳에 문제가 생겨서/);
  assert.match(title("incomplete", 2), /필요한 값이 없어서/);
  for (const told of [null, "none", "toString"]) assert.match(title(told, 2), /아직 질병 예측 리포트가 없어요/);
});

test("a report names its checkup, where that is known", () => {
  assert.equal(basisText("2026-03-09"), "2026년 3월 9일 건강검진을 바탕으로 한 예측이에요.");
  assert.match(basisText(null), /가장 최근 건강검진을 바탕으로/);
});

test("a rank tells what it is out of, unless it is out of something else", () => {
  assert.deepEqual([15, 101, null].map(rankText), ["100명 중 15위", "101위", "–"]);
});

test("the real age of the day of the analysis stands beside the body's", () => {
  const note = (bodyage, analyzed_at) => ageNote({ bodyage, analyzed_at }, "1984-05-17");
  assert.equal(note(38, "2026-05-16T03:00:00Z"), "실제 나이는 만 41세예요. 건강 나이가 3살 젊어요.");
  assert.equal(note(43, "2026-05-17T03:00:00Z"), "실제 나이는 만 42세예요. 건강 나이가 1살 많아요.");
  assert.equal(note(42, "2026-05-17T03:00:00Z"), "실제 나이는 만 42세로, 건강 나이와 같아요.");
  assert.equal(note(null, "2026-05-17T03:00:00Z"), "실제 나이는 만 42세예요.");
});

test("a notice is given for a reason alone, whatever stands in the address", () => {
  assert.match(missingNotice("expired"), /^동의한 기간이 지나서/);
  assert.match(missingNotice("none"), /건강검진 기록이 없어서 질병 예측 리포트는 만들지 못했어요/);
  for (const told of [null, "", "toString", "other"]) assert.equal(missingNotice(told), "");
});

test("dashes and dots are taken out before sending", () => {
  const clean = cleanValues({ ...GOOD, birthdate: "1984.05.17" });
  assert.deepEqual([clean.phone_no, clean.birthdate], ["01000000001", "19840517"]);
});

test("a number with the country's code is taken, as the server takes it", () => {
  const abroad = { ...GOOD, phone_no: "+82 10-1234-5678" };
  assert.deepEqual(checkForm(abroad), {});
  assert.equal(cleanValues(abroad).phone_no, "01012345678");
});

test("the server's Korean words are shown, others are replaced", () => {
  const faults = serverFaults({
    phone_no: ["번호를 확인해 주세요."],
    birthdate: ["Not a valid date."],
    surprise: ["Unknown field."],
  });
  assert.equal(faults.phone_no, "번호를 확인해 주세요.");
  assert.match(faults.birthdate, /[가-힣]/);
  assert.match(faults.form, /[가-힣]/);
});

for (const [text, which, low, high] of [
  ["18.5-24.9", {}, 18.5, 24.9],
  ["10~63", {}, 10, 63],
  ["100미만", {}, null, 100],
  ["60 이상", {}, 60, null],
  ["100이상 125이하", {}, 100, 125],
  ["120미만/80미만", { part: 0 }, null, 120],
  ["120미만/80미만", { part: 1 }, null, 80],
  ["남 90미만/여 85미만", { gender: "F" }, null, 85],
  ["남 13-16.5/여 12-15.5", { gender: "M" }, 13, 16.5],
]) {
  test(`${text} ${JSON.stringify(which)} is ${low} to ${high}`, () => {
    const range = parseRange(text, which);
    assert.deepEqual([range.low, range.high], [low, high]);
  });
}

test("a range for each sex is none while the sex is not known", () =>
  assert.equal(parseRange("남 90미만/여 85미만"), null));

for (const text of ["음성", "", null])
  test(`${JSON.stringify(text)} is no range`, () => assert.equal(parseRange(text), null));

test("미만 leaves the limit outside, 이하 inside", () => {
  assert.equal(place(100, parseRange("100미만")), "above");
  assert.equal(place(40, parseRange("40이하")), "inside");
  assert.equal(place(59.9, parseRange("60이상")), "below");
});

test("ranges are told in words", () => {
  assert.equal(describeRange(parseRange("100미만"), "mg/dL"), "100 미만 mg/dL");
  assert.equal(describeRange(parseRange("18.5-24.9"), ""), "18.5–24.9");
});

for (const [value, item, gender, zone] of [
  [99, "fasting_glucose_mg_dl", "M", "normal"],
  [100, "fasting_glucose_mg_dl", "M", "border"],
  [126, "fasting_glucose_mg_dl", "M", "suspect"],
  [18.4, "bmi", "M", "border"],
  [25, "bmi", "F", "border"],
  [30, "bmi", "F", "suspect"],
  [90, "waist_cm", "M", "suspect"],
  [86, "waist_cm", "M", "normal"],
  [86, "waist_cm", "F", "suspect"],
  [12.5, "hemoglobin_g_dl", "M", "border"],
  [12.5, "hemoglobin_g_dl", "F", "normal"],
  [9.9, "hemoglobin_g_dl", "F", "suspect"],
  [59, "hdl_mg_dl", "M", "border"],
  [39, "hdl_mg_dl", "M", "suspect"],
  [50, "gamma_gtp_u_l", "M", "normal"],
  [50, "gamma_gtp_u_l", "F", "suspect"],
  [86, "waist_cm", null, null],
])
  test(`${item} of ${value} (${gender}) is ${zone}`, () => {
    const groups = groupMeasures([checkup("2024-01-01", { [item]: value })], gender);
    assert.equal(newestOf(measureOf(groups, item)).zone, zone);
  });

test("125/77 is at the border, as either value may be", () => {
  const groups = groupMeasures([checkup("2024-01-01", { systolic_mmhg: 125, diastolic_mmhg: 77 })], "M");
  assert.equal(newestOf(measureOf(groups, "blood_pressure")).zone, "border");
});

test("without a limit of the suspect what is not normal is the border", () =>
  assert.equal(zoneOf(300, { normal: parseRange("100미만"), suspect: null }), "border"));

const URINE = [
  { name: "정상", value: "음성" },
  { name: "질환의심", value: "양성" },
];
for (const [value, zone] of [
  ["음성", "normal"],
  ["약양성", "border"],
  ["양성", "suspect"],
  ["양성(+2)", "suspect"],
  ["수검 거부", null],
  ["미검", null],
  ["검사 안함(본인 거부)", null],
  ["측정불가 / 미측정", null],
  ["비대상（만 54세）", null],
  ["-", null],
  ["미검출", "border"],
])
  test(`${value} is ${zone} by the checkup's own words`, () => assert.equal(zoneOfWords(value, URINE), zone));

for (const [value, zone] of [
  ["정상", "normal"],
  ["골감소증", "border"],
  ["골다공증", "suspect"],
  ["비해당", null],
  ["T-score -0.4", null],
])
  test(`bones: ${value} is ${zone}`, () =>
    assert.equal(zoneOfWords(value, [{ name: "정상", value: "T-score -1 이상" }]), zone));

test("words without a reference are not judged", () => assert.equal(zoneOfWords("1.0/0.8", []), null));

test("what is not normal is listed, the worst first", () => {
  const groups = groupMeasures([checkup("2024-01-01", { bmi: 26, fasting_glucose_mg_dl: 130, ast_u_l: 20 })], "M");
  assert.deepEqual(
    notableOf(groups).map(({ measure, newest }) => [measure.key, newest.zone]),
    [
      ["fasting_glucose_mg_dl", "suspect"],
      ["bmi", "border"],
    ],
  );
});

test("the insurer's verdicts come newest first, and those without one are left out", () => {
  const verdicts = verdictsOf([
    checkup("2022-01-01", { code: "정상", description: "" }),
    checkup("2024-01-01", { code: "정상B, 질환의심", description: "2차 검사를 받으세요." }),
    checkup("2023-01-01", { code: "", description: "" }),
    checkup("2021-01-01", { code: "유질환자", description: "" }),
  ]);
  assert.deepEqual(
    verdicts.map(({ date, zone, advice }) => [date, zone, advice]),
    [
      ["2024.01.01", "suspect", "2차 검사를 받으세요."],
      ["2022.01.01", "normal", ""],
      ["2021.01.01", null, ""],
    ],
  );
});

test("weights follow from the height", () => {
  assert.deepEqual(weightRange(parseRange("18.5-24.9"), 170).low, 53.5);
});

const GLUCOSE = {
  name: "공복 혈당",
  columns: ["fasting_glucose_mg_dl"],
  references: [
    { name: "정상B", value: "125이하" },
    { name: "정상", value: "99이하" },
  ],
};
const checkup = (checkup_date, values) => ({ checkup_date, location: "한빛검진의원", ...values });
const measureOf = (groups, key) => groups.flatMap(({ measures }) => measures).find((measure) => measure.key === key);

test("the normal range of a checkup is read, not its border zone", () =>
  assert.equal(servedZones([GLUCOSE], "fasting_glucose_mg_dl", {}).normal.high, 99));

test("the range of an item counts however its centre spells its name", () => {
  const named = (name) => ({ name, columns: ["ast_u_l"], value: "45", number: 45, references: [{ name: "정상A", value: "50이하" }] });
  for (const name of ["AST(SGOT)", "에이에스티(AST, SGOT)"]) {
    const groups = groupMeasures([checkup("2024-01-01", { ast_u_l: 45, items: [named(name)] })], "M");
    assert.equal(newestOf(measureOf(groups, "ast_u_l")).zone, "normal", name);
  }
});

test("each half of a pressure has the range of its own item", () => {
  const half = (name, column, value) => ({ name, columns: [column], references: [{ name: "정상A", value }] });
  const items = [half("최고혈압", "systolic_mmhg", "130미만"), half("최저혈압", "diastolic_mmhg", "85미만")];
  const groups = groupMeasures([checkup("2024-01-01", { systolic_mmhg: 128, diastolic_mmhg: 84, items })], "M");
  assert.equal(newestOf(measureOf(groups, "blood_pressure")).zone, "normal");
});

test("a range that the checkup states beats the standard", () => {
  const measure = measureOf(
    groupMeasures([checkup("2024-01-01", { fasting_glucose_mg_dl: 94, items: [GLUCOSE] })], "M"),
    "fasting_glucose_mg_dl",
  );
  assert.equal(measure.series[0].zones.normal.high, 99);
});

test("a value is judged by what its own checkup states, never by another one's", () => {
  const strict = { fasting_glucose_mg_dl: 95, items: [{ ...GLUCOSE, references: [{ name: "정상A", value: "90이하" }] }] };
  const silent = { fasting_glucose_mg_dl: 95, items: [] };
  for (const [older, newer, zones, drawn] of [
    [strict, silent, ["border", "normal"], 100],
    [silent, strict, ["normal", "border"], 90],
  ]) {
    const groups = groupMeasures([checkup("2022-01-01", older), checkup("2024-01-01", newer)], "M");
    const measure = measureOf(groups, "fasting_glucose_mg_dl");
    const [line] = measure.series;
    assert.deepEqual(line.points.map(({ y, zones: own }) => zoneOf(y, own)), zones);
    assert.equal(line.zones.normal.high, drawn);
    assert.equal(newestOf(measure).zone, zones[1]);
  }
});

test("both zones are of one source: what a checkup does not state is not taken from the standard", () => {
  const stated = { ...GLUCOSE, references: [{ name: "정상A", value: "140이하" }] };
  const groups = groupMeasures([checkup("2024-01-01", { fasting_glucose_mg_dl: 130, items: [stated] })], "M");
  const measure = measureOf(groups, "fasting_glucose_mg_dl");
  assert.deepEqual([newestOf(measure).zone, measure.series[0].zones.suspect], ["normal", null]);
});

test("a weight is judged by the height of its own checkup", () => {
  const years = [checkup("2022-01-01", { weight_kg: 70, height_cm: 160 }), checkup("2024-01-01", { weight_kg: 70, height_cm: 170 })];
  const [line] = measureOf(groupMeasures(years, "M"), "weight_kg").series;
  assert.deepEqual(line.points.map(({ y, zones }) => zoneOf(y, zones)), ["border", "normal"]);
});

test("points go from old to new, absent values are no points", () => {
  const checkups = [
    checkup("2024-01-01", { bmi: 23 }),
    checkup("2023-01-01", { bmi: null }),
    checkup("2022-01-01", { bmi: "22.5" }),
  ];
  assert.deepEqual(
    measureOf(groupMeasures(checkups, null), "bmi").series[0].points.map(({ y }) => y),
    [22.5, 23],
  );
});

test("what was never measured has no chart", () =>
  assert.deepEqual(groupMeasures([checkup("2024-01-01", {})], null), []));

test("a checkup with a year alone still stands in its year", () => {
  const [group] = groupMeasures([{ year: 2019, checkup_date: null, bmi: 22 }], null);
  assert.equal(group.measures[0].series[0].points[0].x, 2019.5);
});

test("a pair is judged by the worse of both", () => {
  const groups = groupMeasures([checkup("2024-01-01", { systolic_mmhg: 118, diastolic_mmhg: 92 })], "M");
  const newest = newestOf(measureOf(groups, "blood_pressure"));
  assert.deepEqual([newest.value, newest.zone, newest.side], ["118/92", "suspect", "above"]);
});

test("a pair is of one day: a half that was read alone stands alone", () => {
  const years = [
    checkup("2022-01-01", { systolic_mmhg: 118, diastolic_mmhg: 95 }),
    checkup("2024-01-01", { systolic_mmhg: 118, diastolic_mmhg: null }),
  ];
  const newest = newestOf(measureOf(groupMeasures(years, "M"), "blood_pressure"));
  assert.deepEqual([newest.value, newest.zone, newest.date], ["수축기(최고) 118", "normal", "2024.01.01"]);
});

test("the newest half may be the lower one, and be all that there is", () => {
  const lower = checkup("2024-01-01", { systolic_mmhg: null, diastolic_mmhg: 92 });
  for (const years of [[lower], [checkup("2022-01-01", { systolic_mmhg: 118, diastolic_mmhg: 70 }), lower]]) {
    const newest = newestOf(measureOf(groupMeasures(years, "M"), "blood_pressure"));
    assert.deepEqual([newest.value, newest.zone, newest.date], ["이완기(최저) 92", "suspect", "2024.01.01"]);
  }
});

test("the change since the last time is told with its sign", () => {
  const groups = groupMeasures(
    [checkup("2024-01-01", { weight_kg: 70 }), checkup("2025-01-01", { weight_kg: 68.5 })],
    "M",
  );
  assert.equal(newestOf(measureOf(groups, "weight_kg")).change, "직전보다 −1.5");
});

test("a month without a visit is in the chart all the same", () => {
  const counts = monthlyCounts([
    { treatment_date: "2025-11-03", medication_count: 3 },
    { treatment_date: "2026-01-09" },
  ]);
  assert.deepEqual(
    counts.map(({ month, visits }) => [month, visits]),
    [
      ["2025-11", 1],
      ["2025-12", 0],
      ["2026-01", 1],
    ],
  );
});

test("what has no date comes last", () => {
  assert.deepEqual(
    byMonth([{}, { treatment_date: "2026-01-09" }]).map(({ month }) => month),
    ["2026-01", ""],
  );
});

const visit = (treatment_date, hospital_name, ...medicines) => ({
  treatment_date,
  hospital_name,
  details: medicines.map(([ChoBangYakPumMyung, TuyakIlSoo]) => ({ ChoBangYakPumMyung, TuyakIlSoo })),
});

test("a medicine stands with all that it was given for, the newest first", () => {
  const medicines = byMedicine([
    visit("2024-01-05", "가온의원", ["가나정", "3"], ["다라정", "7"]),
    visit("2025-02-09", "새봄의원", ["가나정", "5"]),
  ]);
  assert.deepEqual(
    medicines.map(({ name, days, visits }) => [name, days, visits.map(({ date }) => date)]),
    [
      ["가나정", 8, ["2025.02.09", "2024.01.05"]],
      ["다라정", 7, ["2024.01.05"]],
    ],
  );
});

for (const [wanted, isFound] of [
  ["가나 정", true],
  ["가온 가나정", true],
  ["가온의원가나정", false],
  ["2024.01", true],
  ["2024-01-05", true],
  ["", true],
  ["없는약", false],
])
  test(`"${wanted}" ${isFound ? "finds" : "does not find"} the visit`, () =>
    assert.equal(matches(visit("2024-01-05", "가온의원", ["가나정500mg", "3"]), wanted), isFound));

test("a medicine without a name is no medicine", () => {
  assert.deepEqual(
    medicinesOf({ details: [{ ChoBangYakPumMyung: " " }, { ChoBangYakPumMyung: "가나정", TuyakIlSoo: "5" }] }),
    [{ name: "가나정", effect: "", days: 5, atc: "" }],
  );
  assert.deepEqual(medicinesOf({}), []);
});

test("a medicine has the name that its prescription tells, else that of its description", () => {
  const described = { RetrieveMdsupDtlInfo: { MediPrdcNm: "다라정" } };
  const details = [{ ...described, ChoBangYakPumMyung: "가나정" }, { ...described, ChoBangYakPumMyung: " " }, described];
  assert.deepEqual(medicinesOf({ details }).map(({ name }) => name), ["가나정", "다라정", "다라정"]);
});

const item = (name, value, number = null, unit = "", columns = []) => ({ name, value, number, unit, references: [], columns });
const PRESSURE = ["systolic_mmhg", "diastolic_mmhg"];
const othersOf = (values) => otherResults([checkup("2024-03-01", values)]).map(({ name, value }) => `${name}: ${value}`);

test("an item is charted by its own place, not by the number of another one", () => {
  const items = [
    item("총콜레스테롤", "230", 230, "mg/dL", ["total_cholesterol_mg_dl"]),
    item("식후혈당", "230", 230, "mg/dL"),
  ];
  assert.deepEqual(othersOf({ total_cholesterol_mg_dl: 230, items }), ["식후혈당: 230 mg/dL"]);
});

test("what its chart does not have is told: words, another value, a pressure without its other half", () => {
  const items = [
    item("중성지방", "500 이상", null, "mg/dL", ["triglycerides_mg_dl"]),
    item("HDL", "61", 61, "", ["hdl_mg_dl"]),
    item("HDL콜레스테롤", "61", 61, "", ["hdl_mg_dl"]),
    item("고밀도콜레스테롤", "55", 55, "", ["hdl_mg_dl"]),
    item("혈압", "120", 120, "mmHg", PRESSURE),
  ];
  assert.deepEqual(othersOf({ hdl_mg_dl: 61, triglycerides_mg_dl: null, items }), [
    "중성지방: 500 이상",
    "고밀도콜레스테롤: 55",
    "혈압: 120 mmHg",
  ]);
});

test("half a pair that is charted is not told again", () =>
  assert.deepEqual(othersOf({ systolic_mmhg: null, diastolic_mmhg: 76, items: [item("혈압", "/76", null, "", PRESSURE)] }), []));

test("what no chart shows is told in words, each from the newest checkup that has it", () => {
  const older = checkup("2022-03-01", {
    systolic_mmhg: 118,
    diastolic_mmhg: 76,
    items: [
      item("요단백", "음성", null, "", ["urine_protein"]),
      item("골다공증", "골감소증", null, "", ["bone_density"]),
      item("혈압(최고/최저)", "118/76", null, "mmHg", PRESSURE),
    ],
  });
  const newer = checkup("2024-03-01", {
    fasting_glucose_mg_dl: 94,
    systolic_mmhg: null,
    items: [
      item("공복혈당", "94", 94, "mg/dL", ["fasting_glucose_mg_dl"]),
      item("요단백", "정상(양성)"),
      item("당화혈색소(HbA1c)", "5.6", 5.6, "%"),
      item("시력(좌/우)", "1.0/0.8"),
      item("혈압(최고/최저)", "해당없음", null, "", PRESSURE),
      item("폐결핵 흉부질환", ""),
    ],
  });
  assert.deepEqual(
    otherResults([older, newer, checkup("2020-03-01", {})]).map(({ name, value, date }) => `${name}: ${value} ${date}`),
    [
      "요단백: 정상(양성) 2024.03.01",
      "당화혈색소(HbA1c): 5.6 % 2024.03.01",
      "시력(좌/우): 1.0/0.8 2024.03.01",
      "혈압(최고/최저): 해당없음 2024.03.01",
      "골다공증: 골감소증 2022.03.01",
    ],
  );
});

for (const [seconds, text] of [
  [599.2, "10분 00초"],
  [61, "1분 01초"],
  [59.5, "1분 00초"],
  [59, "59초"],
  [-3, "0초"],
])
  test(`${seconds} seconds are ${text}`, () => assert.equal(countdownText(seconds), text));

test("an opening is told by when, who, with what and from where", () => {
  const opening = { first_at: "2026-11-20T00:31:00Z", who: "본인 (비밀번호)", device: "Safari · iPhone", address: null };
  assert.match(openingText(opening), /^2026년 11월 20일 .+ 9:31 · 본인 \(비밀번호\) · Safari · iPhone$/);
});

test("of each consent the one in force is shown, else the newest", () => {
  const consent = (kind, given_at, expires_at, ended_at = null) => ({ kind, given_at, expires_at, ended_at });
  const shown = newestOfKinds(
    [
      consent("service", "2026-11-02", "2027-11-02", "2026-11-03"),
      consent("service", "2026-11-01", "2027-11-01"),
      consent("sensitive", "2026-11-02", "2026-11-03"),
      consent("sensitive", "2025-11-01", "2025-11-02"),
    ],
    new Date("2026-11-20"),
  );
  assert.deepEqual(
    shown.map(({ kind, given_at, isInForce }) => [kind, given_at, isInForce]),
    [
      ["service", "2026-11-01", true],
      ["sensitive", "2026-11-02", false],
    ],
  );
});
