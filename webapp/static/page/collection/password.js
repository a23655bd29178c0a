/**
 * The dialog that asks for a new password, and the form that opens locked records.
 * @module
 */

import { find, markField, say, whileBusy } from "../kit/dom.js";
import { explain } from "./errors.js";
import { showToast } from "../kit/toast.js";

const SIX_DIGITS = /^\d{6}$/;
const NOT_SIX = "숫자 6자리를 입력해 주세요.";

/**
 * @param {import("../../sdk/collection/client.js").WelnoClient} client @param {string} uuid whose records these are
 * @returns {Promise<boolean>} when it is closed; true if a password was set
 */
export function askForPassword(client, uuid) {
  const dialog = /** @type {HTMLDialogElement} */ (find("password-dialog"));
  const form = find("password-form");
  const [fresh, repeat] = [find("new-password"), find("repeat-password")];
  form.reset();
  for (const [name, input] of [
    ["new-password", fresh],
    ["repeat-password", repeat],
  ])
    markField(name, "", [input]);
  say(find("password-failure"), "");

  const submit = form.querySelector("[type=submit]");
  submit.textContent = "비밀번호 정하기";
  let store = (password) => client.setPassword(uuid, password);
  form.onsubmit = (event) => {
    event.preventDefault();
    if (!checkPair(fresh, repeat)) return;
    whileBusy(submit, async () => {
      const outcome = await tryStoring(() => store(fresh.value));
      if (outcome === "set") dialog.close("set");
      if (outcome !== "exists") return;
      // Only who wants to loses the old one.
      submit.textContent = "이 번호로 바꾸기";
      store = (password) => client.resetPassword(uuid, password);
    });
  };
  find("password-later").onclick = () => dialog.close("later");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "set"), { once: true });
  });
}

function checkPair(fresh, repeat) {
  const first = SIX_DIGITS.test(fresh.value) ? "" : NOT_SIX;
  const second = repeat.value === fresh.value ? "" : "두 비밀번호가 서로 달라요.";
  markField("new-password", first, [fresh]);
  markField("repeat-password", first ? "" : second, [repeat]);
  if (first) fresh.focus();
  else if (second) repeat.focus();
  return !first && !second;
}

/** @returns {Promise<"set"|"exists"|"failed">} */
async function tryStoring(store) {
  try {
    await store();
  } catch (error) {
    if (error.status === 409) {
      say(find("password-failure"), "이미 정해 둔 비밀번호가 있어요. 그대로 쓰려면 ‘나중에 할게요’를 눌러 주세요.");
      return "exists";
    }
    const atField = [error.details?.password].flat().find((text) => /[가-힣]/.test(String(text ?? "")));
    if (atField) markField("new-password", atField, [find("new-password")]);
    else say(find("password-failure"), explain(error));
    return "failed";
  }
  showToast("success", "비밀번호를 정했어요.");
  return "set";
}

/**
 * Shows the lock until the right password was given.
 * @param {import("../../sdk/collection/client.js").WelnoClient} client @param {string} uuid @returns {Promise<void>}
 */
export function unlock(client, uuid) {
  const [section, form, input] = [find("locked"), find("unlock-form"), find("password")];
  section.hidden = false;
  find("locked-title").focus();
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      whileBusy(form.querySelector("[type=submit]"), async () => {
        const fault = SIX_DIGITS.test(input.value) ? await verify(client, uuid, input.value) : NOT_SIX;
        markField("password", fault, [input]);
        if (fault) {
          input.select();
          input.focus();
          return;
        }
        form.reset();
        section.hidden = true;
        resolve();
      });
    };
  });
}

async function verify(client, uuid, password) {
  try {
    await client.verifyPassword(uuid, password);
    return "";
  } catch (error) {
    if (error.status !== 401) return explain(error);
    const left = error.details?.tries_left;
    return `비밀번호가 맞지 않아요. 다시 확인해 주세요.${left > 0 ? ` (${left}번 더 틀리면 잠겨요)` : ""}`;
  }
}
