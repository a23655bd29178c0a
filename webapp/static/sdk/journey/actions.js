/**
 * Sends a patient's actions: by the open socket, else by HTTP; the same press always with the same key.
 * @module
 */

import { WelnoError } from "../core/errors.js";
import { newKey } from "./client.js";

const ANSWER_MILLISECONDS = 10_000;

/** @typedef {{type: string, payload?: any, expected?: string}} Action */

export class ActionSender {
  #client;
  #send;
  #waiting = /** @type {Map<string, (frame: any) => void>} */ (new Map());
  #running = /** @type {{name: string, answer: Promise<any>}|null} */ (null);

  /** @param {import("./client.js").JourneyClient} client
   * @param {(frame: any) => boolean} send false: there is no open socket */
  constructor(client, send) {
    this.#client = client;
    this.#send = send;
  }

  /** A second press while the first is under way is the first. @param {Action} action
   * @returns {Promise<any>} the snapshot after it */
  perform(action) {
    const name = JSON.stringify([action.type, action.payload ?? null]);
    if (this.#running?.name === name) return this.#running.answer;
    const answer = this.#performOnce(action).finally(() => {
      if (this.#running?.answer === answer) this.#running = null;
    });
    this.#running = { name, answer };
    return answer;
  }

  /** An unnumbered frame of the socket. @param {any} frame */
  receive(frame) {
    if (frame.type === "action_result") this.#waiting.get(frame.request_id)?.(frame);
    // The socket took no command: every one that waits goes the other way.
    else if (frame.type === "error") this.loseSocket();
  }

  /** No answer will come by it. */
  loseSocket() {
    for (const answer of this.#waiting.values()) answer(null);
  }

  /** @param {Action} action */
  async #performOnce({ type, payload, expected }) {
    const command = {
      action_type: type,
      ...(payload ? { payload } : {}),
      ...(expected ? { expected_state: expected } : {}),
      idempotency_key: newKey(),
    };
    const result = await this.#askSocket(command);
    if (!result) return this.#client.performAction(command);
    if (result.success) return result.payload;
    throw errorOf(result);
  }

  /** @param {any} command @returns {Promise<any>} null: it has to be sent by HTTP, under the same key */
  #askSocket(command) {
    const requestId = newKey();
    return new Promise((resolve) => {
      const answer = (/** @type {any} */ frame) => {
        clearTimeout(timer);
        this.#waiting.delete(requestId);
        resolve(frame);
      };
      const timer = setTimeout(() => answer(null), ANSWER_MILLISECONDS);
      this.#waiting.set(requestId, answer);
      if (!this.#send({ command: "perform_action", ...command, request_id: requestId })) answer(null);
    });
  }
}

/** @param {any} result */
function errorOf({ code = "ACTION_FAILED", error, details }) {
  return new WelnoError({ code, status: code === "STATE_CONFLICT" ? 409 : 400, message: error, details });
}
