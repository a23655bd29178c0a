/**
 * Joining two lots of stored records without doubling any: pure.
 * @module
 */

/** @typedef {{uuid: string, patientName: string, hospitalId: string|null, birthday: string|null, gender: string|null,
 *   healthData: any[], prescriptionData: any[], createdAt: string, updatedAt: string, dataSource: "tilko"}} HealthRecord */
/** @typedef {{uuid: string, patientName?: string|null, hospitalId?: string|null, birthday?: string|null,
 *   gender?: string|null, healthData: any[], prescriptionData: any[]}} FreshRecords */

const checkupKey = (item) => [item.checkup_date ?? item.year, item.location];
const prescriptionKey = (item) => [item.treatment_date, item.hospital_name, item.treatment_type];

/**
 * The record to keep: fresh values win over kept ones, nothing is there twice, `createdAt` never changes.
 * @param {HealthRecord|null|undefined} kept @param {FreshRecords} fresh @param {string} now ISO 8601
 * @returns {HealthRecord}
 */
export function mergeRecord(kept, fresh, now) {
  return {
    uuid: fresh.uuid,
    patientName: betterName(kept?.patientName, fresh.patientName),
    hospitalId: fresh.hospitalId ?? kept?.hospitalId ?? null,
    birthday: fresh.birthday ?? kept?.birthday ?? null,
    gender: fresh.gender ?? kept?.gender ?? null,
    healthData: mergeItems(kept?.healthData ?? [], fresh.healthData, checkupKey).sort(newestFirst("checkup_date")),
    prescriptionData: mergeItems(kept?.prescriptionData ?? [], fresh.prescriptionData, prescriptionKey).sort(
      newestFirst("treatment_date"),
    ),
    createdAt: kept?.createdAt ?? now,
    updatedAt: now,
    dataSource: "tilko",
  };
}

/** A tab that did not start the session knows the masked name only: that one never replaces a whole one. */
function betterName(kept, fresh) {
  const whole = [fresh, kept].find((name) => name && !name.includes("*"));
  return whole ?? fresh ?? kept ?? "";
}

/**
 * The server's list is whole: of what came from it (it has an `id`) only what is still in it stays, as it is there. The
 * key is for kept records of a list without ids.
 * @param {any[]} kept @param {any[]} fresh @param {(item: any) => any[]} key what makes two items the same record
 */
export function mergeItems(kept, fresh, key) {
  const merged = numbered(
    kept.filter(({ id }) => id === undefined),
    key,
  );
  for (const [name, item] of numbered(fresh, key)) merged.set(name, item);
  return [...merged.values()];
}

/**
 * Two visits to one place on one day are two records: the n-th of a day stays the n-th. Copies of one another are one.
 */
function numbered(items, key) {
  const seen = new Set();
  const counts = new Map();
  const named = new Map();
  for (const item of [...items].sort(byContent)) {
    const content = canonical(item);
    if (seen.has(content)) continue;
    seen.add(content);
    const name = JSON.stringify(key(item).map((part) => part ?? null));
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    named.set(`${name}#${count}`, item);
  }
  return named;
}

function byContent(a, b) {
  const left = canonical(a);
  const right = canonical(b);
  return left < right ? -1 : Number(left > right);
}

/** JSON with its keys in order: equal contents give equal texts. */
function canonical(value) {
  return JSON.stringify(value, (_, part) =>
    part && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

const newestFirst = (field) => (a, b) =>
  String(b[field] ?? b.year ?? "").localeCompare(String(a[field] ?? a.year ?? ""));
