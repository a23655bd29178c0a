/**
 * What is wrong with the form, field by field, before the server is asked: pure.
 * @module
 */

import { digitsOf } from "../kit/field.js";
import { phoneDigitsOf } from "../kit/phone.js";

/** @typedef {{user_name: string, birthdate: string, gender: string, phone_no: string, private_auth_type: string,
 *   missingConsents: {kind: string, title: string}[]}} Values */

const REPORT_CONSENT = "third_party_mediarc";

const CHECKS = {
  user_name: ({ user_name }) =>
    user_name.trim() === ""
      ? "이름을 입력해 주세요."
      : /[0-9<>]/.test(user_name)
        ? "이름에는 숫자나 기호를 쓸 수 없어요."
        : "",
  birthdate: ({ birthdate }) => birthdateFault(digitsOf(birthdate)),
  gender: ({ gender }) => (gender ? "" : "성별을 골라 주세요."),
  phone_no: ({ phone_no }) =>
    /^01[016789]\d{7,8}$/.test(phoneDigitsOf(phone_no)) ? "" : "휴대폰 번호를 010으로 시작하는 숫자로 입력해 주세요.",
  private_auth_type: ({ private_auth_type }) => (private_auth_type ? "" : "인증할 앱을 골라 주세요."),
  consents: ({ missingConsents }) => consentFault(missingConsents),
};

export const FIELD_NAMES = Object.freeze(Object.keys(CHECKS));

/** @param {string} name @param {Values} values @returns {string} empty when all is well */
export function checkField(name, values) {
  return CHECKS[name](values);
}

/** @param {Values} values @returns {Record<string, string>} only the fields at fault */
export function checkForm(values) {
  const faults = FIELD_NAMES.map((name) => [name, checkField(name, values)]);
  return Object.fromEntries(faults.filter(([, text]) => text !== ""));
}

/** Names what is missing, and what to do without. @param {{kind: string, title: string}[]} missing */
export function consentFault(missing) {
  if (missing.length === 0) return "";
  const named = missing.map(({ title }) => `‘${title}’`).join(", ");
  const instead = missing.some(({ kind }) => kind === REPORT_CONSENT)
    ? " 리포트 없이 보려면 위에서 ‘건강 추이 보기’를 골라 주세요."
    : "";
  return `시작하려면 ${named}에 동의해 주세요.${instead}`;
}

/** Whether the day has come already the server tells: the device's clock may be wrong. @param {string} digits */
function birthdateFault(digits) {
  if (digits.length !== 8) return "생년월일을 숫자 8자리로 입력해 주세요. 예: 19840517";
  const [year, month, day] = [digits.slice(0, 4), digits.slice(4, 6), digits.slice(6)].map(Number);
  const date = new Date(year, month - 1, day);
  const real = date.getFullYear() === year && date.getMonth() === month - 1 && date.getDate() === day;
  return real && year >= 1900 ? "" : "달력에 없는 날짜예요. 다시 확인해 주세요.";
}

/**
 * The server's verdict, in words for the person: its own where they are Korean, ours otherwise.
 * @param {any} details {field: [messages]} @returns {Record<string, string>} `form` holds what belongs to no field
 */
export function serverFaults(details) {
  const faults = {};
  for (const [name, messages] of Object.entries(details ?? {})) {
    const field = FIELD_NAMES.includes(name) ? name : name.startsWith("consent") ? "consents" : "form";
    const text = [messages].flat(2).find((message) => /[가-힣]/.test(String(message)));
    faults[field] = text ?? (field === "form" ? "입력한 내용을 다시 확인해 주세요." : "이 값을 다시 확인해 주세요.");
  }
  return faults;
}

/** @param {Values} values what goes to the server */
export function cleanValues({ user_name, birthdate, gender, phone_no, private_auth_type }) {
  return {
    user_name: user_name.trim(),
    birthdate: digitsOf(birthdate),
    gender,
    phone_no: phoneDigitsOf(phone_no),
    private_auth_type,
  };
}
