/**
 * Finds a person who stands at the desk, and does for them what a phone would.
 * @module
 */

import { find, make, setText, whileBusy } from "../kit/dom.js";
import { digitsOf, Field } from "../kit/field.js";
import { restBriefly } from "../kit/rest.js";
import { faultText, nameJourneyState } from "./words.js";

const ACTIONS = /** @type {Record<string, string>} */ ({
  scan_nfc: "도착 처리",
  register: "접수",
  confirm_arrival: "줄 세우기",
  enter_exam_room: "입실",
  complete_exam: "검사 완료",
  make_payment: "수납",
  leave_hospital: "귀가",
});

const REASON_MIN = 5;

export class PatientFinder {
  #api;
  #definitions;
  #examId;
  #last4 = new Field("find-last4", { format: digitsOf });
  #birth = new Field("find-birth", { format: digitsOf });
  #reason = new Field("find-reason");

  /** @param {import("./staff_api.js").DeskApi} api @param {{definitions: () => any, examId: () => string}} desk */
  constructor(api, { definitions, examId }) {
    this.#api = api;
    this.#definitions = definitions;
    this.#examId = examId;
    find("find-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      whileBusy(find("find-button"), () => this.#find());
    });
    // Held down it would press what is offered next, and next.
    find("found").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.repeat && event.key === "Enter") event.preventDefault();
    });
  }

  /** Nothing of a person stays for the next one. */
  forget() {
    find("find-form").reset();
    find("found").replaceChildren();
    setText(find("find-note"), "");
  }

  async #find() {
    const [last4, birth] = [this.#last4.value, this.#birth.value];
    this.#last4.setFault(/^\d{4}$/.test(last4) ? "" : "숫자 네 자리를 적어 주세요.");
    this.#birth.setFault(/^\d{8}$/.test(birth) ? "" : "숫자 여덟 자리를 적어 주세요.");
    const reason = this.#reason.value.trim();
    this.#reason.setFault(reason.length >= REASON_MIN ? "" : `왜 찾는지 ${REASON_MIN}자 이상으로 적어 주세요.`);
    if (!/^\d{4}$/.test(last4) || !/^\d{8}$/.test(birth) || reason.length < REASON_MIN) return;
    try {
      const people = await this.#api.find(last4, birth, reason);
      setText(find("find-note"), people.length === 0 ? "찾는 사람이 없어요." : `${people.length}명 찾았어요.`);
      find("found").replaceChildren(...people.map((person) => this.#makePerson(person)));
      for (const person of people) this.#draw(person, person.journey_state);
    } catch (/** @type {any} */ error) {
      setText(find("find-note"), faultText(error));
    }
  }

  /** @param {any} person */
  #makePerson(person) {
    const id = person.user_id;
    return make(
      "li",
      { id: `found-${id}` },
      make("strong", {}, person.name),
      make("span", { id: `found-state-${id}`, class: "hint" }, "…"),
      make("span", { id: `found-do-${id}`, class: "desk-do" }),
      make("p", { id: `found-error-${id}`, class: "error", role: "alert", hidden: true }),
    );
  }

  /** The patient's own actions from here, by the server's table: each draw puts the next one where the last one was, so
   * they rest at first. @param {any} person @param {string} state */
  #draw(person, state) {
    setText(find(`found-state-${person.user_id}`), nameJourneyState(state));
    const actions = this.#definitions()
      .transitions.filter((/** @type {any} */ one) => one.actor === "patient" && one.from === state)
      .map((/** @type {any} */ one) => one.action);
    const buttons = actions.map((/** @type {string} */ action) => this.#makeButton(person, action, state));
    if (state === "WAITING") buttons.push(this.#makeButton(person, "join", state));
    restBriefly(buttons);
    const place = find(`found-do-${person.user_id}`);
    const isFocused = place.contains(document.activeElement);
    place.replaceChildren(...buttons);
    if (isFocused) buttons[0]?.focus();
  }

  /** @param {any} person @param {string} action @param {string} state in which it is offered */
  #makeButton(person, action, state) {
    const label = action === "join" ? "이 줄에도 세우기" : (ACTIONS[action] ?? action);
    const button = make("button", { type: "button" }, label);
    button.addEventListener("click", () => whileBusy(/** @type {any} */ (button), () => this.#assist(person, action, state)));
    return button;
  }

  /** Where they have gone on meanwhile, what can be done there is offered. @param {any} person @param {string} action
   * @param {string} state */
  async #assist(person, action, state) {
    const error = find(`found-error-${person.user_id}`);
    setText(error, "");
    try {
      const examId = this.#examId();
      const snapshot =
        action === "join"
          ? (await this.#api.join(person.user_id, examId)).journey
          : await this.#api.assist(
              person.user_id,
              action,
              state,
              action === "confirm_arrival" ? { exam_id: examId } : undefined,
            );
      this.#draw(person, snapshot.journey_state);
    } catch (/** @type {any} */ failure) {
      setText(error, faultText(failure));
      if (failure.details?.journey_state) this.#draw(person, failure.details.journey_state);
    }
  }
}
