/**
 * The ways in: a tag, its QR, its number, and who somebody is.
 * @module
 */

import { NfcReader, TagReadError } from "../../sdk/journey/nfc_reader.js";
import { find, setText, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { digitsOf, Field } from "../kit/field.js";
import { formatPhone, phoneDigitsOf } from "../kit/phone.js";
import { detectorOf } from "../kit/qr_camera.js";
import { birthDateOf, faultText, troubleOf } from "./words.js";

const LEADS = {
  nfc: "휴대폰을 태그에 대 주세요.",
  qr: "태그의 QR을 찍어 주세요.",
  typed: "태그에 적힌 번호를 알려 주세요.",
};
const SCAN_CODES = ["SCAN_TOKEN_EXPIRED", "SCAN_TOKEN_INVALID", "SCAN_TOKEN_USED"];
const WAYS = /** @type {const} */ (["nfc", "qr", "typed"]);

export class Entry {
  #journey;
  #reader;
  #showView;
  #onDone;
  #reading = new AbortController();
  #tagCode = new Field("tag-code");
  #login;

  /** @param {import("../../sdk/journey/patient_journey.js").PatientJourney} journey
   * @param {{showView: (name: string) => void, onDone: () => void}} page `onDone`: a tag was read, or who it is is known */
  constructor(journey, { showView, onDone }) {
    this.#journey = journey;
    this.#showView = showView;
    this.#onDone = onDone;
    this.#reader = new NfcReader({ loadDetector: detectorOf(find("journey").dataset.qrLibrary) });
    this.#login = new LoginForm(journey, { onDone, onScanLost: (error) => this.welcome(error) });
    find("way-nfc").addEventListener("click", () => this.#read("nfc"));
    find("way-qr").addEventListener("click", () => this.#read("qr"));
    find("way-typed").addEventListener("click", () => this.#openTyped());
    find("way-login").addEventListener("click", () => this.askWho());
    find("typed-form").addEventListener("submit", (/** @type {Event} */ event) => this.#submitTyped(event));
    for (const button of document.querySelectorAll(".close-way")) button.addEventListener("click", () => this.#stop());
  }

  /** @param {any} [error] why one is here again */
  welcome(error = null) {
    const { ways } = this.#reader;
    setText(find("welcome-lead"), LEADS[ways[0]]);
    for (const way of WAYS) {
      show(find(`way-${way}`), ways.includes(way));
      find(`way-${way}`).classList.toggle("primary", way === ways[0]);
    }
    show(find("way-login"), !this.#journey.isSignedIn);
    showError(find("welcome-failed"), error && troubleOf(error));
    this.#showView("welcome");
  }

  askWho() {
    this.#login.reset();
    this.#showView("login");
  }

  /** @param {"nfc"|"qr"} way */
  async #read(way) {
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    this.#showView(way);
    try {
      const tag =
        way === "nfc" ? await this.#reader.readNfc(signal) : await this.#reader.readQr(find("camera"), signal);
      this.#reading.abort();
      await this.#scan(tag);
    } catch (error) {
      if (!signal.aborted || !(error instanceof TagReadError)) this.welcome(error);
    }
  }

  #stop() {
    this.#reading.abort();
    this.welcome();
  }

  #openTyped() {
    this.#tagCode.value = "";
    this.#tagCode.setFault("");
    this.#showView("typed");
    this.#tagCode.focus();
  }

  /** @param {Event} event */
  #submitTyped(event) {
    event.preventDefault();
    const tag = this.#reader.readTyped(this.#tagCode.value);
    this.#tagCode.setFault(tag ? "" : "번호를 다시 확인해 주세요.");
    if (!tag) return this.#tagCode.focus();
    return whileBusy(find("typed-form").querySelector("[type=submit]"), async () => {
      try {
        await this.#scan(tag);
      } catch (/** @type {any} */ error) {
        this.#tagCode.setFault(faultText(error));
        this.#tagCode.focus();
      }
    });
  }

  /** @param {import("../../sdk/journey/client.js").Tag} tag */
  async #scan(tag) {
    await this.#journey.scan(tag);
    if (this.#journey.isSignedIn) this.#onDone();
    else this.askWho();
  }
}

class LoginForm {
  #journey;
  #page;
  #last4 = new Field("last4", { format: (text) => digitsOf(text).slice(0, 4) });
  #birth = new Field("birth", { inputs: ["birth-year", "birth-month", "birth-day"].map(find), format: digitsOf });
  #name = new Field("person-name");
  #phone = new Field("person-phone", { format: formatPhone });

  /** @param {import("../../sdk/journey/patient_journey.js").PatientJourney} journey
   * @param {{onDone: () => void, onScanLost: (error: any) => void}} page */
  constructor(journey, page) {
    this.#journey = journey;
    this.#page = page;
    find("login-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      whileBusy(find("sign-in-button"), () => this.#submit());
    });
    moveOnWhenFull(find("last4"), find("birth-year"));
    moveOnWhenFull(find("birth-year"), find("birth-month"));
  }

  /** For the next person. */
  reset() {
    find("login-form").reset();
    for (const field of [this.#last4, this.#birth, this.#name, this.#phone]) field.setFault("");
    for (const part of ["name-part", "phone-part"]) show(find(part), false);
    showError(find("login-failed"), null);
  }

  async #submit() {
    const person = this.#readPerson();
    showError(find("login-failed"), null);
    if (!person) return;
    try {
      await this.#journey.signIn(person);
    } catch (/** @type {any} */ error) {
      return this.#refused(error);
    }
    this.reset();
    this.#page.onDone();
  }

  /** @returns {import("../../sdk/journey/client.js").Person|null} null: a field says what is wrong */
  #readPerson() {
    const [year, month, day] = ["birth-year", "birth-month", "birth-day"].map((id) => find(id).value);
    const birth = birthDateOf(year, month, day, new Date());
    const last4 = this.#last4.value;
    const asked = (/** @type {string} */ part) => !find(part).hidden;
    const name = asked("name-part") ? this.#name.value.trim() : "";
    const phone = asked("phone-part") ? phoneDigitsOf(this.#phone.value) : "";
    this.#last4.setFault(/^\d{4}$/.test(last4) ? "" : "숫자 네 자리를 적어 주세요.");
    this.#birth.setFault(birth ? "" : "생년월일을 다시 확인해 주세요.");
    this.#name.setFault(asked("name-part") && !name ? "이름을 적어 주세요." : "");
    if (!/^\d{4}$/.test(last4)) return void this.#last4.focus() ?? null;
    if (!birth) return void this.#birth.focus() ?? null;
    if (asked("name-part") && !name) return void this.#name.focus() ?? null;
    const number = phone ? { phone } : { phone_last4: last4 };
    return { ...number, birth_date: birth, ...(name ? { name } : {}) };
  }

  /** @param {any} error */
  #refused(error) {
    if (SCAN_CODES.includes(error.code)) {
      this.#journey.memory.forgetScan();
      return this.#page.onScanLost(error);
    }
    const needsName = error.code === "AMBIGUOUS_LOGIN" || error.details?.name;
    if (!needsName) return showError(find("login-failed"), troubleOf(error));
    // A name that several share does not help: then the whole number does.
    const isAsked = !find("name-part").hidden;
    const [part, field, text] = isAsked
      ? ["phone-part", this.#phone, "휴대폰 번호를 모두 적어 주세요."]
      : ["name-part", this.#name, "이름도 적어 주세요."];
    show(find(/** @type {string} */ (part)));
    /** @type {Field} */ (field).setFault(/** @type {string} */ (text));
    /** @type {Field} */ (field).focus();
  }
}

/** @param {HTMLInputElement} input @param {HTMLInputElement} next */
function moveOnWhenFull(input, next) {
  input.addEventListener("input", () => input.value.length >= input.maxLength && next.focus());
}
