/**
 * Prescriptions by time: months for the chart, groups for the list. Pure.
 * @module
 */

import { medicinesOf } from "../../sdk/collection/medicines.js";

/**
 * @param {any[]} items
 * @returns {{month: string, items: any[]}[]} newest month first; what has no date comes last, as ""
 */
export function byMonth(items) {
  const months = new Map();
  const sorted = [...items].sort((a, b) =>
    String(b.treatment_date ?? "").localeCompare(String(a.treatment_date ?? "")),
  );
  for (const item of sorted) {
    const month = String(item.treatment_date ?? "").slice(0, 7);
    months.set(month, [...(months.get(month) ?? []), item]);
  }
  return [...months].map(([month, found]) => ({ month, items: found }));
}

/**
 * @param {any[]} items @returns {{month: string, visits: number, medicineDays: number}[]} oldest first, no month left out
 */
export function monthlyCounts(items) {
  const months = byMonth(items)
    .filter(({ month }) => /^\d{4}-\d{2}$/.test(month))
    .reverse();
  if (months.length === 0) return [];
  const found = new Map(months.map((entry) => [entry.month, entry.items]));
  return everyMonth(months[0].month, months.at(-1).month).map((month) => {
    const inMonth = found.get(month) ?? [];
    return {
      month,
      visits: inMonth.length,
      medicineDays: inMonth.reduce((sum, item) => sum + (Number(item.medication_count) || 0), 0),
    };
  });
}

function everyMonth(first, last) {
  const months = [];
  for (let [year, month] = first.split("-").map(Number); ; month += 1) {
    if (month > 12) {
      month = 1;
      year += 1;
    }
    const name = `${year}-${String(month).padStart(2, "0")}`;
    months.push(name);
    if (name >= last) return months;
  }
}

/** @param {string} month `2024-03` */
export function monthText(month) {
  const [year, number] = month.split("-");
  return number ? `${year}년 ${Number(number)}월` : "날짜 없음";
}

/** @param {any} item @returns {string} `2024.03.02`, or nothing */
export function dateText({ treatment_date }) {
  return String(treatment_date ?? "")
    .slice(0, 10)
    .replaceAll("-", ".");
}

/**
 * Each medicine with all that it was given for; the one that was given last comes first.
 * @param {any[]} items
 * @returns {{name: string, effect: string, days: number, visits: {date: string, hospital: string, days: number}[]}[]}
 */
export function byMedicine(items) {
  const found = new Map();
  const newestFirst = [...items].sort((a, b) => dateText(b).localeCompare(dateText(a)));
  for (const item of newestFirst)
    for (const { name, effect, days } of medicinesOf(item)) {
      const medicine = found.get(name) ?? { name, effect, days: 0, visits: [] };
      medicine.effect ||= effect;
      medicine.days += days;
      medicine.visits.push({ date: dateText(item), hospital: item.hospital_name ?? "", days });
      found.set(name, medicine);
    }
  return [...found.values()];
}

/** Every word of what is searched for stands somewhere in it. @param {any} item @param {string} wanted */
export function matches(item, wanted) {
  const told = [item.hospital_name, item.address, item.treatment_type, dateText(item), item.treatment_date];
  const medicines = medicinesOf(item).flatMap(({ name, effect }) => [name, effect]);
  const text = bare([...told, ...medicines].join(" "));
  return wanted.split(/\s+/).every((word) => text.includes(bare(word)));
}

const bare = (text) => text.replace(/\s/g, "").toLowerCase();
