/**
 * The four things that open records that were collected before: name, birth date, phone number and password.
 * @module
 */

import { find } from "../kit/dom.js";
import { digitsOf, Field } from "../kit/field.js";
import { formatPhone, phoneDigitsOf } from "../kit/phone.js";
import { FaultSummary } from "../kit/summary.js";
import { checkField } from "./form.js";
import { isSixDigits, NOT_SIX } from "./unlock.js";

/** What is said where the four fit nobody: which of them is wrong is told to nobody. */
export const FITS_NOBODY = "입력한 정보와 맞는 기록을 열 수 없어요. 네 가지를 모두 다시 확인해 주세요.";
const NAMES = ["user_name", "birthdate", "phone_no", "password"];
const FORMATS = { phone_no: formatPhone, password: digitsOf };

/** Its fields have the names of the API as ids, after a prefix where the page has other fields of these names. */
export class PersonForm {
  #prefix;
  /** @type {Record<string, Field>} */
  #fields;
  #summary;

  constructor(prefix = "") {
    this.#prefix = prefix;
    this.#fields = Object.fromEntries(NAMES.map((name) => [name, this.#field(name)]));
    this.#summary = new FaultSummary(`${prefix}form-summary`, Object.values(this.#fields));
  }

  /** @returns {boolean} whether all is well; else the focus is on what is wrong */
  check() {
    for (const name of NAMES) this.#fields[name].setFault(this.#faultOf(name));
    return !this.#summary.lead();
  }

  /** @returns {{user_name: string, birthdate: string, phone_no: string, password: string}} */
  read() {
    return {
      user_name: this.#typed("user_name").trim(),
      birthdate: digitsOf(this.#typed("birthdate")),
      phone_no: phoneDigitsOf(this.#typed("phone_no")),
      password: this.#typed("password"),
    };
  }

  #field(name) {
    return new Field(this.#prefix + name, { format: FORMATS[name], check: () => this.#faultOf(name) });
  }

  #faultOf(name) {
    const typed = this.#typed(name);
    if (name === "password") return isSixDigits(typed) ? "" : NOT_SIX;
    return checkField(name, /** @type {any} */ ({ [name]: typed }));
  }

  #typed(name) {
    return /** @type {HTMLInputElement} */ (find(this.#prefix + name)).value;
  }
}
