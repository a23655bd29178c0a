/**
 * The dialog that asks for a new password, and for the one that it takes the place of.
 * @module
 */

import { openDialog } from "../kit/dialog.js";
import { find, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { digitsOf, Field } from "../kit/field.js";
import { showToast } from "../kit/toast.js";
import { troubleOf } from "./errors.js";
import { isSixDigits, NOT_SIX, wrongPassword } from "./unlock.js";

const current = new Field("current-password", { format: digitsOf });
const fresh = new Field("new-password", { format: digitsOf });
const repeat = new Field("repeat-password", { format: digitsOf });

/** A session that did not identify the person, or not just now, sets none without the old one. */
const NOT_BY_THIS_SESSION = new Set([403, 404]);
const EXISTS = "이미 정해 둔 비밀번호가 있어요. 그대로 쓰려면 ‘나중에 할게요’를 눌러 주세요.";
const NEEDS_CURRENT = "지금 비밀번호를 입력해 주세요. 잊었다면 휴대폰으로 다시 인증한 뒤 5분 안에 새로 정할 수 있어요.";
const HAS_NONE = "정해 둔 비밀번호가 없어요. ‘지금 비밀번호’를 비우고 다시 눌러 주세요.";

/** @typedef {import("../../sdk/collection/client.js").WelnoClient} WelnoClient */

/**
 * @param {WelnoClient} client @param {string} uuid whose records these are
 * @param {{isChange?: boolean}} [how] whether the person came to change one
 * @returns {Promise<boolean>} when it is closed; true if a password was set
 */
export async function askForPassword(client, uuid, { isChange = false } = {}) {
  const dialog = /** @type {HTMLDialogElement} */ (find("password-dialog"));
  const form = find("password-form");
  const submit = form.querySelector("[type=submit]");
  form.reset();
  for (const field of [current, fresh, repeat]) field.setFault("");
  showError(find("password-failure"), null);
  find("password-title").textContent = isChange ? "비밀번호를 바꿔 주세요" : "비밀번호를 정해 주세요";
  let exists = false;
  const askForCurrent = (asks) => {
    show(find("current-place"), asks);
    submit.textContent = asks ? "이 번호로 바꾸기" : "비밀번호 정하기";
  };
  askForCurrent(isChange);

  form.onsubmit = (event) => {
    event.preventDefault();
    if (!checkAll()) return;
    whileBusy(submit, async () => {
      try {
        await store(client, uuid, { exists, replaces: isChange });
        dialog.close("set");
      } catch (/** @type {any} */ error) {
        const isFirst = find("current-place").hidden;
        exists ||= error.status === 409;
        if (isFirst && (exists || NOT_BY_THIS_SESSION.has(error.status))) askForCurrent(true);
        showRefusal(error, isFirst);
      }
    });
  };
  find("password-later").onclick = () => dialog.close("later");
  return (await openDialog(dialog)) === "set";
}

/**
 * Whoever approved on the phone just now needs no old one; only who wants to loses it.
 * @param {WelnoClient} client @param {string} uuid @param {{exists: boolean, replaces: boolean}} known
 */
async function store(client, uuid, { exists, replaces }) {
  if (current.value) {
    await client.changePassword(uuid, current.value, fresh.value);
    showToast("success", "비밀번호를 바꿨어요. 다른 곳에서는 모두 로그아웃했어요.");
    return;
  }
  if (exists) await client.resetPassword(uuid, fresh.value);
  else
    await client.setPassword(uuid, fresh.value).catch((error) => {
      if (error.status !== 409 || !replaces) throw error;
      return client.resetPassword(uuid, fresh.value);
    });
  showToast("success", "비밀번호를 정했어요.");
}

function checkAll() {
  const faults = [
    [current, !current.value || isSixDigits(current.value) ? "" : NOT_SIX],
    [fresh, isSixDigits(fresh.value) ? "" : NOT_SIX],
    [repeat, repeat.value === fresh.value ? "" : "두 비밀번호가 서로 달라요."],
  ];
  const first = faults.find(([, fault]) => fault);
  for (const one of faults) one[0].setFault(one === first ? one[1] : "");
  first?.[0].focus();
  return !first;
}

/** @param {any} error @param {boolean} isFirst the old one has not been asked for yet */
function showRefusal(error, isFirst) {
  const place = find("password-failure");
  const atCurrent = faultOfCurrent(error, isFirst);
  const weak = [error.details?.password ?? error.details?.new_password].flat();
  const atFresh = weak.find((text) => /[가-힣]/.test(String(text ?? ""))) ?? "";
  showError(place, null);
  current.setFault(atCurrent);
  fresh.setFault(atFresh);
  if (atCurrent) current.select();
  else if (error.status === 409) showError(place, { text: EXISTS });
  else if (!atFresh) showError(place, troubleOf(error));
}

function faultOfCurrent(error, isFirst) {
  if (error.status === 401 && current.value) return wrongPassword(error);
  if (error.status === 404 && current.value) return HAS_NONE;
  if (!NOT_BY_THIS_SESSION.has(error.status)) return "";
  return isFirst ? `이미 정해 둔 비밀번호가 있어요. ${NEEDS_CURRENT}` : NEEDS_CURRENT;
}
