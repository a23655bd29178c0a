/**
 * A conversation with a persona: the answer grows while it is read, and can be stopped.
 * @module
 */

import { WelnoError } from "../core/errors.js";
import { readBlocks } from "../core/sse.js";
import { Timers } from "../core/timers.js";
import { AnswerText } from "./answer.js";
import { InterviewsClient } from "./client.js";

const SILENCE_MILLISECONDS = 45_000; // the server sends a comment every 15 s
const DONE = "[DONE]";
const CONVERSATION_OVER = new Set(["CONVERSATION_NOT_FOUND", "MISO_REJECTED"]);

/** @typedef {{role: "user"|"assistant", content: string, state: "whole"|"growing"|"stopped"|"failed"}} ChatMessage */
/** @typedef {{client?: InterviewsClient, onChange?: (messages: ChatMessage[]) => void}} ChatOptions */

export class PersonaChat {
  #personaId;
  #client;
  #onChange;
  #messages = /** @type {ChatMessage[]} */ ([]);
  #conversationId = /** @type {string|null} */ (null);
  #running = /** @type {AbortController|null} */ (null);
  #timers = new Timers();

  /** @param {string} personaId @param {ChatOptions} [options] */
  constructor(personaId, { client = new InterviewsClient(), onChange = () => {} } = {}) {
    this.#personaId = personaId;
    this.#client = client;
    this.#onChange = onChange;
  }

  /** @returns {ChatMessage[]} */
  get messages() {
    return [...this.#messages];
  }
  get isAnswering() {
    return this.#running !== null;
  }

  /** Until the answer is whole or was stopped; one question at a time. What has come stays also when it fails.
   * @param {string} question */
  async ask(question) {
    if (this.#running) throw new TypeError("the last question is still being answered");
    const running = new AbortController();
    this.#running = running;
    const said = /** @type {ChatMessage} */ ({ role: "user", content: question, state: "whole" });
    this.#messages.push(said, { role: "assistant", content: "", state: "growing" });
    this.#changed();
    try {
      await this.#read(question, running);
      this.#finish("whole");
    } catch (/** @type {any} */ error) {
      const isStopped = running.signal.reason === STOPPED;
      if (CONVERSATION_OVER.has(error.code)) this.#conversationId = null; // the next question begins another
      this.#finish(isStopped ? "stopped" : "failed");
      if (!isStopped) throw error instanceof WelnoError ? error : brokenOff(error);
    }
  }

  /** What has come stays. */
  stop() {
    this.#running?.abort(STOPPED);
  }

  /** @param {string} question @param {AbortController} running */
  async #read(question, running) {
    const limitSilence = () => this.#timers.set("silence", SILENCE_MILLISECONDS, () => running.abort());
    const messages = [{ role: "user", content: question }];
    const asked = { messages, personaId: this.#personaId };
    const known = this.#conversationId === null ? {} : { conversationId: this.#conversationId };
    const answer = new AnswerText();
    limitSilence();
    for await (const blocks of readBlocks(await this.#client.openChat({ ...asked, ...known }, running.signal))) {
      limitSilence();
      for (const { data } of blocks) if (data !== null && this.#take(data, answer)) return;
    }
    throw brokenOff();
  }

  /** @param {string} data @param {AnswerText} answer @returns {boolean} whether that was the last */
  #take(data, answer) {
    if (data === DONE) return true;
    const frame = JSON.parse(data);
    if (frame.conversation_id) this.#conversationId = frame.conversation_id;
    if (frame.event === "error") throw new WelnoError({ code: frame.code, status: 502, message: frame.message });
    if (frame.event === "message" || frame.event === "agent_message") answer.add(frame.answer);
    else if (frame.event === "message_replace") answer.replace(frame.answer);
    else return frame.event === "message_end";
    this.#change({ content: answer.text });
    return false;
  }

  /** @param {"whole"|"stopped"|"failed"} state */
  #finish(state) {
    this.#running?.abort(); // nothing more is read
    this.#running = null;
    this.#timers.clear("silence");
    this.#change({ state });
  }

  /** @param {Partial<ChatMessage>} changed of the last message */
  #change(changed) {
    const last = /** @type {ChatMessage} */ (this.#messages.pop());
    this.#messages.push({ ...last, ...changed });
    this.#changed();
  }

  #changed() {
    this.#onChange(this.messages);
  }
}

const STOPPED = new DOMException("stopped", "AbortError");

/** @param {unknown} [cause] */
function brokenOff(cause) {
  return new WelnoError({ code: "ANSWER_BROKEN_OFF", status: 0, cause });
}
