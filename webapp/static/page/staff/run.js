/**
 * One run: how far it is, each try of each step, and what an operator may do to it.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { find, make, show, whileBusy } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { List } from "../kit/list.js";
import { makeCell, makeChip, makeMoment, makeReason } from "./list.js";
import {
  describeState,
  formatDuration,
  mayResume,
  nameOutcome,
  nameStatus,
  nameStep,
  toneOf,
  toneOfOutcome,
  troubleOf,
} from "./words.js";

const QUESTIONS = {
  resume: {
    title: "작업을 다시 시작할까요?",
    text: "멈춘 단계부터 이어서 진행해요. 이미 받은 자료는 다시 받지 않아요.",
    yes: "다시 시작",
    look: "primary",
  },
  cancel: {
    title: "작업을 취소할까요?",
    text: "취소한 작업은 되돌릴 수 없고, 기다리는 사람의 화면에도 끝났다고 나와요. 이미 저장된 기록은 남아요.",
    yes: "작업 취소",
    look: "danger",
  },
};

export class RunView {
  #api;
  #changed;
  #id = "";
  #drawn = "";
  #steps = new List("steps", { frame: find("steps-table") });

  /**
   * @param {import("./api.js").StaffApi} api
   * @param {(error: any|null) => void} changed after an action: the run is to be read again
   */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
    find("resume").addEventListener("click", () => this.#act("resume", find("resume")));
    find("cancel").addEventListener("click", () => this.#act("cancel", find("cancel")));
  }

  /** Another run, of which nothing is known yet. @param {string} id */
  open(id) {
    this.#id = id;
    this.#drawn = "";
    find("run-history-id").textContent = id;
    showError(find("answer"), null);
    show(find("run-history-body"), false);
    show(find("run-history-missing"), false);
  }

  /** There is no such run. */
  showMissing() {
    show(find("run-history-body"), false);
    show(find("run-history-missing"));
  }

  async load(/** @type {() => boolean} */ isCurrent) {
    const run = await this.#api.read(this.#id);
    if (isCurrent()) this.#draw(run);
  }

  async #act(verb, button) {
    const id = this.#id;
    if (!(await askToConfirm({ ...QUESTIONS[verb], about: id }))) return;
    await whileBusy(button, async () => {
      showError(find("answer"), null);
      let trouble = null;
      try {
        const run = await (verb === "resume" ? this.#api.resume(id) : this.#api.cancel(id));
        if (id !== this.#id) return;
        this.#draw(run);
        this.#answer(outcomeOf(verb, run));
      } catch (error) {
        if (id !== this.#id) return;
        trouble = error;
        this.#answer(faultOf(error));
      }
      this.#changed(trouble);
    });
    // The button may have gone with what it did; the answer is what comes next.
    if (id === this.#id && !button.checkVisibility()) find("answer").focus();
  }

  /** @param {import("../kit/error.js").Trouble & {level: string}} answer */
  #answer({ level, ...trouble }) {
    const place = find("answer");
    place.className = `notice ${level}`;
    showError(place, trouble);
  }

  #draw(run) {
    const drawn = JSON.stringify(run);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = document.activeElement;
    find("facts").replaceChildren(...factsOf(run).map(([name, ...values]) => makeFact(name, values)));
    show(find("resume"), mayResume(run.summary));
    show(find("actions"), run.summary.run_state !== "ended");
    this.#steps.showRows(run.steps.map(makeStep));
    show(find("run-history-missing"), false);
    show(find("run-history-body"));
    // A button that goes takes the focus with it, unless that is moved.
    if ([find("resume"), find("cancel")].includes(focused) && !focused.checkVisibility()) find("run-history-title").focus();
  }
}

function outcomeOf(verb, { summary }) {
  if (verb === "resume") return { text: `다시 시작했어요. ‘${nameStep(summary.step)}’부터 이어져요.`, level: "" };
  if (summary.status === "cancelled") return { text: "작업을 취소했어요. 저장된 기록은 남아 있어요.", level: "" };
  const text = `그사이에 이미 끝난 작업이에요 (${nameStatus(summary.status)}). 결과는 바뀌지 않았어요.`;
  return { text, level: "warning" };
}

function faultOf(error) {
  if (error.status === 409)
    return { text: "그사이에 작업이 움직여서 다시 시작하지 않았어요. 지금 상태는 아래와 같아요.", level: "warning" };
  if (error.status === 0) {
    const text = "서버에 연결하지 못했어요. 요청이 전해졌는지 알 수 없으니, 아래 상태를 보고 다시 해 주세요.";
    return { text, level: "error" };
  }
  return { ...troubleOf(error), level: "error" };
}

/** @returns {[string, ...any[]][]} */
function factsOf({ summary, detail, ...run }) {
  const counted = (/** @type {number|null} */ count) => (count === null ? "아직 없음" : `${count}건`);
  return [
    ["상태", makeChip(nameStatus(summary.status), toneOf(summary)), ` ${describeState(summary)}`],
    ["지금 단계", nameStep(summary.step)],
    ...(summary.error_code ? [["오류", makeReason(summary.error_code), ...detailsOf(detail)]] : []),
    ["이 단계의 실패", `${summary.attempts}번`],
    ["이 단계의 회수", `${summary.takeovers}번`],
    ["건강검진 기록", counted(run.health_count)],
    ["진료·투약 기록", counted(run.prescription_count)],
    [summary.run_state === "running" ? "맡은 프로세스" : "마지막 프로세스", run.owner_id === null ? "없음" : `${run.owner_id}번`],
    ["펜스", String(run.fence)],
    ["시작한 때", makeMoment(summary.created_at)],
    ["바뀐 때", makeMoment(summary.updated_at)],
    ["세션 만료", makeMoment(run.expires_at)],
  ];
}

/** The API's details of the error, under their own names. */
function detailsOf(detail) {
  const text = (/** @type {any} */ value) => (typeof value === "string" ? value : JSON.stringify(value));
  return Object.entries(detail ?? {}).map(([name, value]) =>
    make("code", { class: "staff-detail" }, `${name}: ${text(value)}`),
  );
}

function makeFact(name, values) {
  return make("div", { class: values.length > 2 ? "wide" : "" }, make("dt", {}, name), make("dd", {}, ...values));
}

function makeStep(tried) {
  return make(
    "tr",
    { role: "row" },
    makeCell("시작한 때", makeMoment(tried.started_at)),
    makeCell("단계", nameStep(tried.step)),
    makeCell("시도", `${tried.attempt}번째`),
    makeCell("결과", makeChip(nameOutcome(tried.outcome), toneOfOutcome(tried.outcome))),
    makeCell("이유", tried.reason ? makeReason(tried.reason) : "–"),
    makeCell("걸린 시간", formatDuration(tried.started_at, tried.ended_at)),
  );
}
