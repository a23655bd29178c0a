/**
 * `/login`: a member signs in with e-mail and password.
 * @module
 */

import { find, tellStarted, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { client, pageAfterLogin } from "./entry.js";
import { troubleOf } from "./words.js";

const CHECKS = /** @type {[string, (text: string) => boolean, string][]} */ ([
  ["email", (text) => /^\S+@\S+$/.test(text.trim()), "이메일을 입력해 주세요."],
  ["password", (text) => text !== "", "비밀번호를 입력해 주세요."],
]);
const fields = CHECKS.map(([id, isGood, fault]) => {
  const check = () => (isGood(find(id).value) ? "" : fault);
  return { id, check, field: new Field(id, { check }) };
});
const button = find("login-button");

/** @returns {boolean} whether all is well; else the first fault has the focus */
function checkAll() {
  for (const { field, check } of fields) field.setFault(check());
  const first = fields.find(({ check }) => check() !== "");
  first?.field.focus();
  return !first;
}

async function signIn() {
  const failed = find("login-failed");
  try {
    await client.signIn(find("email").value.trim(), find("password").value);
    location.replace(pageAfterLogin(location.search));
  } catch (/** @type {any} */ error) {
    showError(failed, troubleOf(error));
    failed.focus();
  }
}

find("login-form").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  showError(find("login-failed"), null);
  if (checkAll()) whileBusy(button, signIn);
});
button.disabled = false;
tellStarted();
