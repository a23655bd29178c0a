/**
 * The ways in: login, password and a code of the authenticator; its set-up at the first time; or a command's token.
 * @module
 */

import { find, show, whileBusy } from "../kit/dom.js";
import { digitsOf, Field } from "../kit/field.js";
import { SECOND_FACTOR_REQUIRED } from "./api.js";
import { faultText } from "./words.js";

const SIX_DIGITS = /^\d{6}$/;
const TYPE_CODE = "인증 앱에 보이는 숫자 6자리를 입력해 주세요.";

export class SignIn {
  #api;
  #onSignedIn;
  #login = new Field("login");
  #password = new Field("password");
  #code = new Field("code", { format: digitsOf });
  #token = new Field("token");
  #newCode = new Field("new-code", { format: digitsOf });

  /** @param {import("./api.js").StaffApi} api @param {() => void} onSignedIn */
  constructor(api, onSignedIn) {
    this.#api = api;
    this.#onSignedIn = onSignedIn;
    onSubmit("account-form", () => this.#withAccount());
    onSubmit("token-form", () => this.#withToken());
    onSubmit("second-factor-form", () => this.#withNewFactor());
  }

  /** @param {string} [reason] why somebody who was signed in no longer is */
  ask(reason = "") {
    this.#clear();
    show(find("sign-in"));
    const byToken = find("token-part").open;
    (byToken ? this.#token : this.#password).setFault(reason);
    (byToken ? this.#token : this.#login).focus();
  }

  hide() {
    this.#clear();
    show(find("sign-in"), false);
  }

  async #withAccount() {
    const [login, password, code] = [this.#login.value.trim(), this.#password.value, this.#code.value];
    const asksCode = !find("code-part").hidden;
    this.#login.setFault(login ? "" : "로그인 이름을 입력해 주세요.");
    this.#password.setFault(password ? "" : "비밀번호를 입력해 주세요.");
    this.#code.setFault(!asksCode || SIX_DIGITS.test(code) ? "" : TYPE_CODE);
    if (!login) return this.#login.focus();
    if (!password) return this.#password.focus();
    if (asksCode && !SIX_DIGITS.test(code)) return this.#code.focus();
    try {
      await this.#api.signIn({ login, password, ...(asksCode && { totp: code }) });
    } catch (error) {
      return this.#refused(error);
    }
    this.#onSignedIn();
  }

  /** @param {any} error */
  async #refused(error) {
    // Signed in with the password, and the account has no second factor yet; or one is asked for, and was not given.
    if (error.code === SECOND_FACTOR_REQUIRED && this.#api.hasToken) return this.#setUp();
    const isCode = error.code === SECOND_FACTOR_REQUIRED;
    if (isCode) show(find("code-part"));
    const field = isCode ? this.#code : this.#password;
    field.setFault(isCode ? TYPE_CODE : faultText(error, "account"));
    if (isCode) field.focus();
    else field.select();
  }

  async #setUp() {
    let uri;
    try {
      uri = await this.#api.offerSecondFactor();
    } catch (error) {
      return this.ask(faultText(error, "account"));
    }
    this.hide();
    find("second-factor-key").textContent = keyOf(uri);
    find("second-factor-link").href = uri;
    show(find("second-factor"));
    find("second-factor-title").focus();
  }

  async #withNewFactor() {
    if (!SIX_DIGITS.test(this.#newCode.value)) {
      this.#newCode.setFault(TYPE_CODE);
      return this.#newCode.focus();
    }
    try {
      await this.#api.confirmSecondFactor(this.#newCode.value);
    } catch (error) {
      const isOver = error.code !== "LOGIN_FAILED" && (error.status === 401 || error.status === 403);
      if (isOver) return this.ask(faultText(error, "account"));
      const isWrong = error.code === "LOGIN_FAILED";
      this.#newCode.setFault(isWrong ? "숫자가 맞지 않아요. 앱에 지금 보이는 숫자를 넣어 주세요." : faultText(error, "account"));
      return this.#newCode.select();
    }
    this.#onSignedIn();
  }

  async #withToken() {
    const token = this.#token.value.trim();
    let fault = token ? "" : "직원 토큰을 입력해 주세요.";
    try {
      if (token) await this.#api.useToken(token);
    } catch (error) {
      fault = faultText(error, "token");
    }
    this.#token.setFault(fault);
    if (fault) return this.#token.focus();
    this.#onSignedIn();
  }

  #clear() {
    for (const field of [this.#login, this.#password, this.#code, this.#token, this.#newCode]) {
      field.value = "";
      field.setFault("");
    }
    show(find("code-part"), false);
    show(find("second-factor"), false);
    find("second-factor-key").textContent = "";
    find("second-factor-link").removeAttribute("href");
  }
}

/** @param {string} id @param {() => Promise<unknown>} act */
function onSubmit(id, act) {
  const form = find(id);
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    whileBusy(form.querySelector("[type=submit]"), async () => void (await act()));
  });
}

/** In groups of four, as one types it. @param {string} uri */
function keyOf(uri) {
  return (new URL(uri).searchParams.get("secret") ?? "").replace(/(.{4})(?=.)/g, "$1 ");
}
