/**
 * `/my/erased`: what was erased, and what stays and why; for whoever has the receipt's number.
 * @module
 */

import { WelnoClient } from "../../sdk/collection/client.js";
import { find, make, show, tellStarted } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { troubleOf } from "./errors.js";
import { momentText } from "./moments.js";

const ASK_MILLISECONDS = 1_500;
const client = new WelnoClient();
const id = new URLSearchParams(location.search).get("id") ?? "";

async function follow() {
  showError(find("erased-failure"), null);
  try {
    const receipt = await client.erasure(id);
    draw(receipt);
    if (receipt.state === "running") setTimeout(follow, ASK_MILLISECONDS);
  } catch (/** @type {any} */ error) {
    const trouble = troubleOf(error, follow);
    if (error.status === 404) trouble.text = "이 번호의 영수증을 찾을 수 없어요. 주소를 다시 확인해 주세요.";
    find("erased-lead").textContent = "";
    showError(find("erased-failure"), trouble);
  }
}

function draw({ state, erased, kept, erasure_id, requested_at, completed_at }) {
  if (state === "completed") {
    find("erased-title").textContent = "기록을 모두 지웠어요";
    find("erased-lead").textContent = "이 기기에 보관한 기록도 지웠고, 모든 곳에서 로그아웃했어요.";
  }
  find("erased-rows").replaceChildren(...erased.filter(({ count }) => count > 0).map(erasedRow));
  find("kept-rows").replaceChildren(...kept.map(({ why }) => make("li", {}, why)));
  find("receipt-number").textContent = erasure_id;
  find("receipt-time").textContent = `· ${momentText(completed_at ?? requested_at)}`;
  show(find("receipt"), state === "completed");
}

function erasedRow({ what, count }) {
  return make("li", {}, make("div", {}, what), `${count.toLocaleString("ko-KR")}건`);
}

tellStarted();
await follow();
