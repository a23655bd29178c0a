/**
 * What a desk asks of the server. Its token stands in this tab's sessionStorage, and in no address.
 * @module
 */

import { SafeStorage } from "../../sdk/core/storage.js";
import { JourneyClient, newKey } from "../../sdk/journey/client.js";

const TOKEN = "welno_journey_staff_token";
const SHIFT = "welno_journey_staff_shift";

/** @typedef {{exam_id: string, room_id: string}} Shift */

export class DeskApi {
  #tab = new SafeStorage(() => sessionStorage);
  #client;

  /** @param {() => void} onLoggedOut the token opens nothing any more
   * @param {import("../../sdk/journey/client.js").JourneyOptions["onDuration"]} onDuration */
  constructor(onLoggedOut, onDuration) {
    const forget = () => {
      this.#forget();
      onLoggedOut();
    };
    this.#client = new JourneyClient({
      isRefreshable: false,
      credentials: "omit",
      cache: "no-store",
      onLoggedOut: forget,
      onDuration,
    });
    this.#client.useToken(this.#tab.getItem(TOKEN));
  }

  get client() {
    return this.#client;
  }
  get isSignedIn() {
    return this.#client.token !== null;
  }
  get role() {
    return this.#client.claims?.role ?? "";
  }

  /** The shift that began in this tab. @returns {Shift|null} */
  get shift() {
    return JSON.parse(this.#tab.getItem(SHIFT) ?? "null");
  }

  /** @param {string} login @param {string} password */
  async signIn(login, password) {
    const { staff } = await this.#client.signInStaff(login, password);
    this.#tab.setItem(TOKEN, /** @type {string} */ (this.#client.token));
    return staff;
  }

  async signOut() {
    try {
      await this.#client.signOut();
    } finally {
      this.#forget();
    }
  }

  /** @param {Shift} shift */
  async beginShift(shift) {
    await this.#client.request("POST", "/staff/shifts", { body: shift });
    this.#keepShift(shift);
  }

  async endShift() {
    await this.#client.request("DELETE", "/staff/shifts/current");
    this.#tab.removeItem(SHIFT);
  }

  /** Exams and rooms to choose from, and one's own open shift. @returns {Promise<any>} */
  async choices() {
    const { exams, rooms, shift } = await this.#client.request("GET", "/staff/shifts");
    if (shift) this.#keepShift(shift);
    return { exams, rooms, shift };
  }

  /** @param {string} examId */
  board(examId) {
    return this.#client.request("GET", `/board/${encodeURIComponent(examId)}`);
  }

  /** The next in line, or one of it. @param {{exam_id: string}|{queue_id: string}} whom */
  call(whom) {
    return this.#client.request("POST", "/queue/medical/call-patient/", {
      body: { ...whom, idempotency_key: newKey() },
    });
  }

  /** @param {string} queueId */
  recall(queueId) {
    return this.#client.changeEntry(queueId, "recall", { idempotency_key: newKey() });
  }

  /** @param {any} entry of the board @param {string} action @param {string} expectedState @param {any} [more] */
  perform(entry, action, expectedState, more = {}) {
    return this.#client.performAction({
      patient_id: entry.patient.user_id,
      action_type: action,
      expected_state: expectedState,
      payload: { queue_id: entry.queue_id, ...more },
      idempotency_key: newKey(),
    });
  }

  /** @param {string} queueId @param {{exam_id: string, reason: string}} where */
  transfer(queueId, where) {
    return this.#client.changeEntry(queueId, "transfer", { ...where, idempotency_key: newKey() });
  }

  /** @param {string} last4 @param {string} birthDate @param {string} reason the person reads it @returns {Promise<any[]>} */
  async find(last4, birthDate, reason) {
    const body = { phone_last4: last4, birth_date: birthDate, reason };
    const answer = await this.#client.request("POST", "/staff/patients/find", { body });
    return answer.patients ?? [];
  }

  /** For who has no phone. @param {string} userId @param {string} action @param {string} expectedState what the desk
   * shows: whoever has a phone may have gone on meanwhile @param {any} [payload] */
  assist(userId, action, expectedState, payload) {
    const body = {
      action_type: action,
      expected_state: expectedState,
      idempotency_key: newKey(),
      ...(payload ? { payload } : {}),
    };
    return this.#client.request("POST", `/staff/patients/${encodeURIComponent(userId)}/assist`, { body });
  }

  /** @param {string} userId @param {string} examId */
  join(userId, examId) {
    const body = { exam_id: examId, patient_id: userId, idempotency_key: newKey() };
    return this.#client.request("POST", "/queue/join", { body });
  }

  /** @param {Shift} shift */
  #keepShift({ exam_id, room_id }) {
    this.#tab.setItem(SHIFT, JSON.stringify({ exam_id, room_id }));
  }

  #forget() {
    this.#tab.removeItem(TOKEN);
    this.#tab.removeItem(SHIFT);
  }
}
