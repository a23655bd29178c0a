/**
 * One run's story: how far it is, each try of each step, and what an operator may do to it.
 * @module
 */

import { find, make, say, show, whileBusy } from "../kit/dom.js";
import { askFirst } from "./confirm.js";
import { makeCell, makeChip, makeMoment, makeReason } from "./list.js";
import {
  describeState,
  explainToStaff,
  formatDuration,
  isStopped,
  nameOutcome,
  nameStatus,
  nameStep,
  toneOf,
  toneOfOutcome,
} from "./words.js";

export class RunStory {
  #api;
  #changed;
  #id = "";
  #drawn = "";

  /**
   * @param {import("./api.js").StaffApi} api
   * @param {(error: any|null) => void} changed after an action: the story is to be asked for again
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
    find("story-id").textContent = id;
    say(find("answer"), "");
    show(find("story-body"), false);
    show(find("story-missing"), false);
  }

  /** There is no such run. */
  miss() {
    show(find("story-body"), false);
    show(find("story-missing"));
  }

  async load(/** @type {() => boolean} */ isCurrent) {
    const run = await this.#api.story(this.#id);
    if (isCurrent()) this.#draw(run);
  }

  async #act(verb, button) {
    const id = this.#id;
    if (!(await askFirst(verb, id))) return;
    await whileBusy(button, async () => {
      say(find("answer"), "");
      let trouble = null;
      try {
        const run = await (verb === "resume" ? this.#api.resume(id) : this.#api.cancel(id));
        if (id !== this.#id) return;
        this.#draw(run);
        this.#answer(...outcomeOf(verb, run));
      } catch (error) {
        if (id !== this.#id) return;
        trouble = error;
        this.#answer(...faultOf(error));
      }
      this.#changed(trouble);
    });
    // The button may have gone with what it did; the answer is what comes next.
    if (id === this.#id && !button.checkVisibility()) find("answer").focus();
  }

  #answer(text, level) {
    const place = find("answer");
    place.className = `notice ${level}`;
    place.tabIndex = -1;
    say(place, text);
  }

  #draw(run) {
    const drawn = JSON.stringify(run);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const stood = document.activeElement;
    find("facts").replaceChildren(...factsOf(run).map(([name, ...values]) => makeFact(name, values)));
    show(find("resume"), isStopped(run.summary));
    show(find("actions"), run.summary.run_state !== "ended");
    find("steps-rows").replaceChildren(...run.steps.map(makeStep));
    show(find("steps-table"), run.steps.length > 0);
    show(find("steps-empty"), run.steps.length === 0);
    show(find("story-missing"), false);
    show(find("story-body"));
    // A button that goes may not take the keyboard's place with it.
    if ([find("resume"), find("cancel")].includes(stood) && !stood.checkVisibility()) find("story-title").focus();
  }
}

function outcomeOf(verb, { summary }) {
  if (verb === "resume") return [`다시 시작했어요. ‘${nameStep(summary.step)}’부터 이어져요.`, ""];
  if (summary.status === "cancelled") return ["작업을 취소했어요. 저장된 기록은 남아 있어요.", ""];
  return [`그사이에 이미 끝난 작업이에요 (${nameStatus(summary.status)}). 결과는 바뀌지 않았어요.`, "warning"];
}

function faultOf(error) {
  if (error.status === 409)
    return ["그사이에 작업이 움직여서 다시 시작하지 않았어요. 지금 상태는 아래와 같아요.", "warning"];
  if (error.status === 0)
    return ["서버에 연결하지 못했어요. 요청이 전해졌는지 알 수 없으니, 아래 상태를 보고 다시 해 주세요.", "error"];
  return [explainToStaff(error), "error"];
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
    ["검진 기록", counted(run.health_count)],
    ["처방 기록", counted(run.prescription_count)],
    [summary.run_state === "running" ? "맡은 프로세스" : "마지막 프로세스", run.owner_id === null ? "없음" : `${run.owner_id}번`],
    ["펜스", String(run.fence)],
    ["시작한 때", makeMoment(summary.created_at)],
    ["바뀐 때", makeMoment(summary.updated_at)],
    ["세션 만료", makeMoment(run.expires_at)],
  ];
}

/** What the API tells of the error, whatever its names are. */
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
