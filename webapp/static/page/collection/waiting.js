/**
 * Draws the waiting state: what to do on the phone, the steps with their times, the bar.
 * @module
 */

import { isApproved, percentOf } from "../../sdk/collection/progress.js";
import { find, make, setText, show } from "../kit/dom.js";
import { countdownText } from "./moments.js";

/** `link` where an address is known that opens the app: Naver's is documented by its maker, KakaoTalk's is in wide use. */
const APPS = {
  0: {
    mark: "톡",
    open: "카카오톡을 열어 주세요.",
    look: "‘카카오톡 지갑’이 보낸 인증 요청을 눌러 주세요.",
    link: { label: "카카오톡 열기", address: "kakaotalk://launch" },
  },
  1: { mark: "PC", open: "페이코 앱을 열어 주세요.", look: "도착한 인증 요청 알림을 눌러 주세요." },
  2: { mark: "KB", open: "KB스타뱅킹 앱을 열어 주세요.", look: "도착한 인증 요청 알림을 눌러 주세요." },
  3: { mark: "S", open: "삼성패스 알림을 확인해 주세요.", look: "도착한 인증 요청을 눌러 주세요." },
  4: { mark: "P", open: "PASS 앱을 열어 주세요.", look: "‘인증 요청’ 알림을 눌러 주세요." },
  5: { mark: "신한", open: "신한 SOL뱅크 앱을 열어 주세요.", look: "도착한 인증 요청 알림을 눌러 주세요." },
  6: {
    mark: "N",
    open: "네이버 앱을 열어 주세요.",
    look: "‘네이버 인증서’ 알림을 눌러 주세요.",
    link: { label: "네이버 앱 열기", address: "naversearchapp://default?version=5" },
  },
};
const LAST_STEP = "내용을 확인하고 승인한 뒤, 이 화면으로 돌아와 주세요.";
/** The app is on this device. */
const PHONE = matchMedia("(hover: none) and (pointer: coarse)");
const SIGNS = { waiting: "", active: "•", done: "✓", failed: "!", skipped: "–" };
const STATES = { waiting: "대기", active: "진행 중", done: "완료", failed: "가져오지 못함", skipped: "건너뜀" };
const CLOCK = new Intl.DateTimeFormat("ko-KR", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});

const OTHER_APP = { mark: "✓", open: "인증 앱을 열어 주세요.", look: "도착한 인증 요청을 눌러 주세요.", link: null };

/** @param {string|null} code of the authenticator */
export function drawPhone(code) {
  const app = APPS[code ?? ""] ?? OTHER_APP;
  const mark = find("phone-mark");
  mark.className = `mark mark-${code}`;
  mark.textContent = app.mark;
  find("phone-steps").replaceChildren(...[app.open, app.look, LAST_STEP].map((text) => make("li", {}, text)));
  const link = PHONE.matches ? app.link : null;
  const place = find("open-app-place");
  place.replaceChildren(...(link ? [make("a", { class: "button primary wide", href: link.address }, link.label)] : []));
  find("approve-button").classList.toggle("primary", !link); // one thing comes first
}

/** Stages in which nothing lies on the phone any more, and the person decides what comes next. */
const ASKED_OVER = new Set(["declined", "superseded", "overdue", "refused"]);

/** @param {import("../../sdk/collection/progress.js").Progress} progress
 * @param {import("../../sdk/collection/flow.js").FlowState} flow
 * @param {Refusal|null} refusal a request that was not sent */
export function drawProgress(progress, flow, refusal = null) {
  const percent = percentOf(progress);
  find("bar").value = percent;
  find("bar-text").textContent = `${percent}%`;
  find("steps").replaceChildren(...progress.map(stepRow));
  const stage = refusal ? "refused" : ASKED_OVER.has(flow.status) ? flow.status : stageOf(progress);
  const isOver = ASKED_OVER.has(stage);
  const [title, lead, next] = refusal ? [refusal.title, refusal.text, refusal.next] : TITLES[stage];
  if (isOver) announceText(title);
  else announce(progress);
  const waiting = stage === "approval";
  show(find("request-over"), isOver);
  setText(find("request-over-text"), next ?? "");
  for (const id of ["bar-line", "steps"]) show(find(id), !isOver);
  for (const id of ["bar", "bar-label", "bar-text"]) show(find(id), !isOver && isApproved(progress));
  for (const id of ["phone", "open-app-place", "approve-button", "approve-hint"]) show(find(id), waiting);
  if (!waiting) show(find("retry"), false);
  setText(find("elsewhere"), waiting ? (flow.warning ?? "") : "");
  show(find("leave-hint"), stage === "collecting");
  show(find("spinner"), !waiting && !isOver && stage !== "stopped");
  setText(find("waiting-title"), title);
  setText(find("waiting-lead"), lead);
}

/** Why a request was not sent, and when one may be sent. @typedef {{title: string, text: string, next: string,
 *   until: number}} Refusal `until` as `Date.now()` */

const REFUSALS = {
  PUSH_PENDING: {
    title: "다른 곳에서 먼저 인증을 요청했어요",
    text: "이 휴대폰 번호로 방금 다른 인증 요청이 갔어요. 내가 한 요청이 아니라면 휴대폰에서 승인하지 마세요.",
    next: "잠시 뒤에 다시 보내면 먼저 간 요청은 쓸 수 없게 돼요.",
  },
  RATE_LIMITED: {
    title: "인증 요청을 너무 많이 보냈어요",
    text: "이 휴대폰 번호로 보낼 수 있는 요청을 다 썼어요. 시간이 지나면 다시 보낼 수 있어요.",
    next: "이미 받은 기록이 있다면 처음 화면에서 비밀번호로 열 수 있어요.",
  },
};

/** @param {import("../../sdk/core/errors.js").WelnoError} error @returns {Refusal|null} null for what is no refusal */
export function refusalOf(error) {
  const texts = REFUSALS[error.code];
  return texts ? { ...texts, until: Date.now() + 1000 * (error.retryAfterSeconds ?? 60) } : null;
}

/** The seconds that are left: to approve, or until a request may be sent again. Called every second.
 * @param {import("../../sdk/collection/flow.js").FlowState} flow @param {Refusal|null} refusal
 * @param {number} serverNow in milliseconds */
export function drawCountdown({ approveBy }, refusal, serverNow) {
  const wait = refusal ? (refusal.until - Date.now()) / 1000 : 0;
  const again = find("ask-again-button");
  again.disabled = wait > 0;
  again.textContent = wait > 0 ? `${countdownText(wait)} 뒤에 다시 보낼 수 있어요` : "요청 다시 보내기";
  const left = approveBy && !refusal ? (Date.parse(approveBy) - serverNow) / 1000 : 0;
  setText(find("countdown"), left > 0 ? `${countdownText(left)} 안에 승인해 주세요` : "");
}

const TITLES = {
  request: ["인증 요청을 보내고 있어요", "잠시만 기다려 주세요. 보통 몇 초면 도착해요."],
  approval: ["휴대폰을 확인해 주세요", "인증 요청을 보냈어요. 아래 순서대로 승인해 주세요."],
  collecting: ["기록을 모으고 있어요", "기록이 많으면 몇 분 걸릴 수 있어요."],
  declined: [
    "인증 요청을 거절하셨어요",
    "원하지 않으시면 여기서 그만두셔도 괜찮아요. 아직 아무 기록도 가져오지 않았어요.",
    "마음이 바뀌면 요청을 다시 보내거나, 다른 앱을 골라 인증할 수 있어요.",
  ],
  superseded: [
    "다른 곳에서 인증을 다시 요청했어요",
    "그래서 먼저 받은 요청은 승인해도 쓸 수 없어요. 내가 한 요청이 아니라면 휴대폰에서 승인하지 마세요.",
    "계속하려면 요청을 다시 보내 주세요.",
  ],
  overdue: [
    "승인할 수 있는 시간이 지났어요",
    "안전을 위해 요청은 10분 동안만 승인할 수 있어요.",
    "요청을 다시 보내고 휴대폰에서 승인해 주세요.",
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
export function announce(progress) {
  const current =
    progress.find((step) => step.state === "active") ?? progress.findLast((step) => step.state !== "waiting");
  const share = isApproved(progress) ? ` 전체 ${percentOf(progress)}%` : "";
  announceText(current ? `${current.label}: ${STATES[current.state]}.${share}` : "");
}

function announceText(text) {
  const place = find("announce");
  if (place.textContent !== text) place.textContent = text;
}
