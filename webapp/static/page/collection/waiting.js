/**
 * Draws the waiting state: what to do on the phone, the steps with their times, the bar.
 * @module
 */

import { percentOf } from "../../sdk/collection/progress.js";
import { find, make, setText, show } from "../kit/dom.js";

const APPS = {
  0: { mark: "톡", open: "카카오톡을 열어 주세요.", look: "‘카카오톡 지갑’이 보낸 인증 요청을 눌러 주세요." },
  1: { mark: "PC", open: "페이코 앱을 열어 주세요.", look: "도착한 인증 요청 알림을 눌러 주세요." },
  2: { mark: "KB", open: "KB스타뱅킹 앱을 열어 주세요.", look: "도착한 인증 요청 알림을 눌러 주세요." },
  3: { mark: "S", open: "삼성패스 알림을 확인해 주세요.", look: "도착한 인증 요청을 눌러 주세요." },
  4: { mark: "P", open: "PASS 앱을 열어 주세요.", look: "‘인증 요청’ 알림을 눌러 주세요." },
  5: { mark: "신한", open: "신한 SOL뱅크 앱을 열어 주세요.", look: "도착한 인증 요청 알림을 눌러 주세요." },
  6: { mark: "N", open: "네이버 앱을 열어 주세요.", look: "‘네이버 인증서’ 알림을 눌러 주세요." },
};
const LAST_STEP = "내용을 확인하고 승인한 뒤, 이 화면으로 돌아와 주세요.";
const SIGNS = { waiting: "", active: "•", done: "✓", failed: "!", skipped: "–" };
const STATES = { waiting: "대기", active: "진행 중", done: "완료", failed: "가져오지 못함", skipped: "건너뜀" };
const CLOCK = new Intl.DateTimeFormat("ko-KR", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});

/** @param {string|null} code of the authenticator */
export function drawPhone(code) {
  const app = APPS[code ?? ""] ?? {
    mark: "✓",
    open: "인증 앱을 열어 주세요.",
    look: "도착한 인증 요청을 눌러 주세요.",
  };
  const mark = find("phone-mark");
  mark.className = `mark mark-${code}`;
  mark.textContent = app.mark;
  find("phone-steps").replaceChildren(...[app.open, app.look, LAST_STEP].map((text) => make("li", {}, text)));
}

/** @param {import("../../sdk/collection/progress.js").Progress} progress
 * @param {import("../../sdk/collection/flow.js").FlowState} flow */
export function drawProgress(progress, flow) {
  const percent = percentOf(progress);
  find("bar").value = percent;
  find("bar-text").textContent = `${percent}%`;
  find("steps").replaceChildren(...progress.map(stepRow));
  const stage = flow.status === "declined" ? "declined" : stageOf(progress);
  if (stage === "declined") announceText(TITLES.declined[0]);
  else announce(progress, percent);
  const waiting = stage === "approval";
  show(find("declined"), stage === "declined");
  for (const id of ["bar-line", "bar", "steps"]) show(find(id), stage !== "declined");
  for (const id of ["phone", "approve-button", "approve-hint"]) show(find(id), waiting);
  if (!waiting) show(find("retry"), false);
  show(find("leave-hint"), stage === "collecting");
  show(find("spinner"), !["approval", "stopped", "declined"].includes(stage));
  setText(find("waiting-title"), TITLES[stage][0]);
  setText(find("waiting-lead"), TITLES[stage][1]);
}

const TITLES = {
  request: ["인증 요청을 보내고 있어요", "잠시만 기다려 주세요. 보통 몇 초면 도착해요."],
  approval: ["휴대폰을 확인해 주세요", "인증 요청을 보냈어요. 아래 순서대로 승인해 주세요."],
  collecting: ["기록을 모으고 있어요", "기록이 많으면 몇 분 걸릴 수 있어요."],
  declined: [
    "인증 요청을 거절하셨어요",
    "원하지 않으시면 여기서 그만두셔도 괜찮아요. 아직 아무 기록도 가져오지 않았어요.",
  ],
  stopped: ["여기서 멈췄어요", "아래 내용을 확인해 주세요."],
  over: ["다 모았어요", "결과를 보여드릴게요."],
};

function stageOf(progress) {
  const state = Object.fromEntries(progress.map((step) => [step.name, step.state]));
  if (state.request === "failed" || state.approval === "failed") return "stopped";
  if (state.saved === "done") return "over";
  if (state.approval === "done") return "collecting";
  return state.request === "done" || state.approval === "active" ? "approval" : "request";
}

function stepRow(step) {
  const time = step.at ? CLOCK.format(new Date(step.at)) : "";
  const count = step.count === null ? "" : `${step.count.toLocaleString("ko-KR")}건 `;
  const state = step.note || `${count}${STATES[step.state]}`;
  return make(
    "li",
    { class: step.state, ...(step.state === "active" ? { "aria-current": "step" } : {}) },
    make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[step.state]),
    make("span", {}, step.label),
    make(
      "span",
      { class: "state" },
      time ? `${state} · ` : state,
      time ? make("time", { dateTime: step.at }, time) : null,
    ),
  );
}

/** One sentence per change: a screen reader need not read the whole list again. */
export function announce(progress, percent = percentOf(progress)) {
  const current =
    progress.find((step) => step.state === "active") ?? progress.findLast((step) => step.state !== "waiting");
  announceText(current ? `${current.label}: ${STATES[current.state]}. 전체 ${percent}%` : "");
}

function announceText(text) {
  const place = find("announce");
  if (place.textContent !== text) place.textContent = text;
}
