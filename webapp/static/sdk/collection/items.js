/**
 * Whether a checkup's item is told by the checkup's own fields already. Pure.
 * @module
 */

const ROUNDING = 0.001; // a field keeps three decimals
const WORD = /\p{L}/u;

/**
 * @param {{value: string, number: number|null, columns?: string[]}} item a copy from before items told their columns
 *   has none: then it is told twice rather than not at all
 * @param {any} checkup @param {(column: string) => boolean} isTold which of the checkup's fields are
 */
export function isToldByColumns({ value, number, columns = [] }, checkup, isTold) {
  if (columns.length === 0 || !columns.every((column) => isTold(column) || isAbsent(checkup[column]))) return false;
  const kept = columns.map((column) => checkup[column]).filter((one) => !isAbsent(one)).map(Number);
  // `118/재측정`: no field has the word.
  if (kept.length < columns.length && WORD.test(String(value))) return false;
  const served = columns.length > 1 ? (String(value).match(/\d+(?:\.\d+)?/g) ?? []).map(Number) : [number];
  return (
    kept.length > 0 &&
    kept.length === served.length &&
    kept.every((one, at) => served[at] !== null && Math.abs(one - Number(served[at])) < ROUNDING)
  );
}

/** @param {unknown} value */
function isAbsent(value) {
  return value === null || value === undefined || value === "";
}
