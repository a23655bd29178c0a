/**
 * `/sign-in`: opens records that were collected before, for who comes back without a link.
 * @module
 */

import { KEYS, WelnoClient, WelnoStorage } from "../../sdk/welno.js";
import { find, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { digitsOf, Field } from "../kit/field.js";
import { troubleOf } from "./errors.js";
import { checkField } from "./form.js";
import { isSixDigits, NOT_SIX } from "./unlock.js";

const WRONG = "입력한 정보와 맞는 기록을 열 수 없어요. 네 가지를 모두 다시 확인해 주세요.";
const storage = new WelnoStorage();
const client = new WelnoClient({ storage });
const form = /** @type {HTMLFormElement} */ (find("sign-in-form"));

const typed = (name) => find(name).value;
const faultOfForm = (name) => checkField(name, /** @type {any} */ ({ [name]: typed(name) }), new Date());
/** @type {Record<string, () => string>} */
const CHECKS = {
  user_name: () => faultOfForm("user_name"),
  birthdate: () => faultOfForm("birthdate"),
  phone_no: () => faultOfForm("phone_no"),
  password: () => (isSixDigits(typed("password")) ? "" : NOT_SIX),
};
const fields = Object.fromEntries(
  Object.entries(CHECKS).map(([name, check]) => {
    const format = name === "password" ? { format: digitsOf } : {};
    return [name, new Field(name, { ...format, check })];
  }),
);

/** @returns {boolean} whether all is well; else the first fault has the focus */
function checkAll() {
  for (const [name, check] of Object.entries(CHECKS)) fields[name].setFault(check());
  const first = Object.keys(CHECKS).find((name) => CHECKS[name]() !== "");
  if (first) fields[first].focus();
  return !first;
}

async function signIn() {
  try {
    const { patient_uuid, hospital_id } = await client.signIn({
      user_name: typed("user_name").trim(),
      birthdate: digitsOf(typed("birthdate")),
      phone_no: digitsOf(typed("phone_no")),
      password: typed("password"),
    });
    storage.forgetPerson(); // whoever was here before
    storage.write(KEYS.patientUuid, patient_uuid);
    storage.write(KEYS.hospitalId, hospital_id);
    form.reset();
    location.assign(`/results-trend?${new URLSearchParams({ uuid: patient_uuid })}`);
  } catch (/** @type {any} */ error) {
    const trouble = troubleOf(error);
    if (error.code === "LOGIN_FAILED") trouble.text = WRONG;
    showError(find("sign-in-failure"), trouble);
    find("sign-in-failure").focus();
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  showError(find("sign-in-failure"), null);
  if (checkAll()) whileBusy(find("sign-in-button"), signIn);
});
find("sign-in-button").disabled = false;
