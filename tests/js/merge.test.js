import assert from "node:assert/strict";
import { test } from "node:test";

import { mergeRecord } from "../../webapp/static/sdk/collection/merge.js";

const THEN = "2026-01-01T00:00:00.000Z";
const NOW = "2026-06-01T00:00:00.000Z";
const checkup = (date, more = {}) => ({
  checkup_date: date,
  year: Number(date.slice(0, 4)),
  location: "한빛검진의원",
  ...more,
});
const visit = (date, more = {}) => ({
  treatment_date: date,
  hospital_name: "새봄약국",
  treatment_type: "처방조제",
  ...more,
});
const fresh = (healthData, prescriptionData = [], more = {}) => ({ uuid: "u", healthData, prescriptionData, ...more });
const kept = (record = fresh([checkup("2024-03-01")], [visit("2025-02-02")], { patientName: "김하늘" })) =>
  mergeRecord(null, record, THEN);

test("the first collection is kept as it came", () => {
  const record = kept();
  assert.equal(record.createdAt, THEN);
  assert.equal(record.updatedAt, THEN);
  assert.equal(record.dataSource, "tilko");
});

test("the same records again double nothing", () => {
  const again = mergeRecord(kept(), fresh([checkup("2024-03-01")], [visit("2025-02-02")]), NOW);
  assert.equal(again.healthData.length, 1);
  assert.equal(again.prescriptionData.length, 1);
});

test("a second collection keeps createdAt and renews updatedAt", () => {
  const again = mergeRecord(kept(), fresh([]), NOW);
  assert.deepEqual([again.createdAt, again.updatedAt], [THEN, NOW]);
});

test("records that a list without ids no longer gives stay", () => {
  const again = mergeRecord(kept(), fresh([checkup("2026-03-01")], []), NOW);
  assert.deepEqual(
    again.healthData.map((item) => item.year),
    [2026, 2024],
  );
  assert.equal(again.prescriptionData.length, 1);
});

test("a corrected record replaces the old one", () => {
  const again = mergeRecord(kept(), fresh([checkup("2024-03-01", { code: "정상" })]), NOW);
  assert.deepEqual(
    again.healthData.map((item) => item.code),
    ["정상"],
  );
});

test("two visits of one day to one place are two records, however often they come", () => {
  const both = [visit("2025-02-02", { medication_count: 3 }), visit("2025-02-02", { medication_count: 5 })];
  const once = mergeRecord(null, fresh([], both), THEN);
  const twice = mergeRecord(once, fresh([], [...both].reverse()), NOW);
  assert.equal(once.prescriptionData.length, 2);
  assert.equal(twice.prescriptionData.length, 2);
});

test("the order of keys makes no other record", () => {
  const turned = { location: "한빛검진의원", year: 2024, checkup_date: "2024-03-01" };
  assert.equal(mergeRecord(null, fresh([checkup("2024-03-01"), turned]), THEN).healthData.length, 1);
});

test("a record of the server that is respelled, renamed or moved is one record", () => {
  const before = [visit("2025-02-02", { id: 7 })];
  const after = [visit("2025-02-02", { id: 7, hospital_name: "새봄 온누리약국", treatment_type: "외래조제" })];
  const merged = mergeRecord(mergeRecord(null, fresh([], before), THEN), fresh([], after), NOW);
  assert.deepEqual(merged.prescriptionData, after);
});

test("a record that the server lists no longer was withdrawn", () => {
  const both = [checkup("2024-03-01", { id: 1 }), checkup("2022-03-01", { id: 2 })];
  const merged = mergeRecord(mergeRecord(null, fresh(both), THEN), fresh(both.slice(0, 1)), NOW);
  assert.deepEqual(merged.healthData, both.slice(0, 1));
});

test("a masked name never replaces the whole one", () => {
  assert.equal(mergeRecord(kept(), fresh([], [], { patientName: "김*늘" }), NOW).patientName, "김하늘");
});

test("a whole name replaces a masked one", () => {
  const masked = mergeRecord(null, fresh([], [], { patientName: "김*늘" }), THEN);
  assert.equal(mergeRecord(masked, fresh([], [], { patientName: "김하늘" }), NOW).patientName, "김하늘");
});

test("what a later tab does not know is not forgotten", () => {
  const known = mergeRecord(null, fresh([], [], { birthday: "1984-05-17", gender: "F", hospitalId: "PEERNINE" }), THEN);
  const later = mergeRecord(known, fresh([]), NOW);
  assert.deepEqual([later.birthday, later.gender, later.hospitalId], ["1984-05-17", "F", "PEERNINE"]);
});
