/**
 * What stored treatments say of the medicines that were given.
 * @module
 */

/** `days`: for how many days it was given, 0 where that is not told; `atc`: the WHO's code of the substance, of all five
 * levels, or nothing.
 * @typedef {{name: string, effect: string, days: number, atc: string}} Medicine */

const ATC = /^[A-Z]\d{2}[A-Z]{2}\d{2}$/;

/** One without a name is none. @param {any} treatment as stored @returns {Medicine[]} */
export function medicinesOf({ details }) {
  return (details ?? []).map(readDetail).filter((/** @type {Medicine} */ { name }) => name !== "");
}

/** @param {any} detail @returns {Medicine} */
function readDetail({ ChoBangYakPumMyung, RetrieveMdsupDtlInfo, ChoBangYakPumHyoneung, TuyakIlSoo }) {
  return {
    name: textOf(ChoBangYakPumMyung) || textOf(RetrieveMdsupDtlInfo?.MediPrdcNm),
    effect: textOf(ChoBangYakPumHyoneung),
    days: Number(TuyakIlSoo) || 0,
    atc: atcOf(RetrieveMdsupDtlInfo?.AtcInfo),
  };
}

/** @param {unknown} told */
function atcOf(told) {
  return ATC.test(textOf(told)) ? textOf(told) : "";
}

/** @param {unknown} told */
const textOf = (told) => String(told ?? "").trim();
