/**
 * The links that a person has made: until when they open, who came, and ending one.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { make, whileBusy } from "../kit/dom.js";
import { List } from "../kit/list.js";
import { showToast } from "../kit/toast.js";
import { explain, troubleOf } from "./errors.js";
import { momentText } from "./moments.js";

const list = new List("links");
const NO_NAME = "이름 없는 링크";
const STATES = /** @type {Record<string, string>} */ ({
  active: "열 수 있어요",
  expired: "기간이 끝났어요",
  revoked: "내가 끝냈어요",
  locked: "암호를 10번 틀려서 끝났어요",
});
const FETCHES = /** @type {Record<string, string>} */ ({
  manifest: "열었어요",
  direct: "열었어요",
  file: "파일을 받았어요",
  wrong_passcode: "암호를 틀렸어요",
});

/** @param {import("../../sdk/shl/client.js").HealthLinksClient} links @returns {Promise<void>} */
export async function loadLinks(links) {
  list.showLoading();
  try {
    const made = await links.list();
    list.showRows(made.map((link) => linkRow(link, links)));
  } catch (/** @type {any} */ error) {
    list.showError(troubleOf(error, () => loadLinks(links)));
  }
}

/** @param {any} link @param {import("../../sdk/shl/client.js").HealthLinksClient} links */
function linkRow(link, links) {
  const title = link.label ?? NO_NAME;
  const isActive = link.state === "active";
  const button = make("button", { type: "button", "aria-label": `끝내기: ${title}` }, "끝내기");
  button.addEventListener("click", () => whileBusy(button, () => end(link.id, title, links)));
  return make(
    "li",
    {},
    make(
      "div",
      {},
      make("strong", {}, title),
      make("span", { class: "hint" }, [STATES[link.state], untilText(link), triesText(link)].filter(Boolean).join(" · ")),
      ...fetchParts(link.fetches),
    ),
    isActive ? button : null,
  );
}

/** @param {any} link */
function untilText({ state, exp }) {
  return state === "active" && exp !== null ? `${momentText(new Date(exp * 1000).toISOString())}까지` : "";
}

/** @param {any} link */
function triesText({ state, hasPasscode, remainingAttempts }) {
  if (state !== "active") return "";
  return hasPasscode ? `암호 있음, 틀려도 되는 횟수 ${remainingAttempts}번` : "암호 없음";
}

/** @param {any[]} fetches newest first */
function fetchParts(fetches) {
  if (fetches.length === 0) return [make("span", { class: "hint" }, "아직 아무도 열지 않았어요.")];
  return fetches.map(({ at, what, recipient, network }) =>
    make("span", { class: "hint fetch" }, [`${recipient}: ${FETCHES[what] ?? what}`, momentText(at), network].filter(Boolean).join(" · ")),
  );
}

/** @param {string} id @param {string} title @param {import("../../sdk/shl/client.js").HealthLinksClient} links */
async function end(id, title, links) {
  const isSure = await askToConfirm({
    title: "이 링크를 끝낼까요?",
    text: "바로 아무도 열 수 없게 돼요. 이미 받아 간 기록은 되돌릴 수 없어요.",
    yes: "끝내기",
    look: "danger",
    about: title,
  });
  if (!isSure) return;
  try {
    await links.end(id);
    showToast("success", "링크를 끝냈어요.");
  } catch (/** @type {any} */ error) {
    showToast("error", explain(error), error.requestId);
  }
  await loadLinks(links);
}
