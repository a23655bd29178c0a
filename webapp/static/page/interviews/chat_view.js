/**
 * A conversation with a persona: one is picked, asked, and answers while one watches.
 * @module
 */

import { PersonaChat } from "../../sdk/interviews/chat.js";
import { find, make, setText, show } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { client } from "./entry.js";
import { personaHash } from "./routes.js";
import { troubleOf } from "./words.js";

/** @type {Record<string, string>} */
const STATES = { stopped: "멈췄어요.", failed: "중간에 끊겼어요." };

export class ChatView {
  #projectId;
  #personas = /** @type {any[]|null} */ (null);
  #isForgotten = false; // while they are asked for
  #turn = 0;
  #chats = /** @type {Map<string, PersonaChat>} */ (new Map());
  #persona = /** @type {any} */ (null);

  /** @param {string} projectId */
  constructor(projectId) {
    this.#projectId = projectId;
    const question = find("question");
    find("chat-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#ask();
    });
    question.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      // While Korean is being composed, Enter belongs to the letters.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#ask();
    });
    find("stop").addEventListener("click", () => this.#chat?.stop());
  }

  /** @param {string|null} personaId as the address says */
  async open(personaId) {
    // One that was made a moment ago is not known yet.
    if (this.#personas === null || (personaId !== null && !this.#find(personaId))) await this.reload();
    const persona = this.#find(personaId);
    if (persona && persona.id !== this.#persona?.id) this.#pick(persona);
  }

  /** @returns {PersonaChat|null} */
  get #chat() {
    return this.#persona ? (this.#chats.get(this.#persona.id) ?? null) : null;
  }

  /** @param {string|null} id */
  #find(id) {
    return this.#personas?.find((one) => one.id === id) ?? null;
  }

  /** Which there are may have changed: the next look asks anew. */
  forget() {
    this.#personas = null;
    this.#isForgotten = true;
  }

  /** The conversations stay. @returns {Promise<void>} */
  async reload() {
    const turn = ++this.#turn;
    this.#isForgotten = false;
    showError(find("personas-failed"), null);
    try {
      const personas = await client.personas(this.#projectId);
      if (turn !== this.#turn) return;
      if (this.#isForgotten) return await this.reload(); // the answer may be of before
      this.#show(personas);
    } catch (/** @type {any} */ error) {
      if (turn === this.#turn) showError(find("personas-failed"), { ...troubleOf(error), next: { act: () => this.reload() } });
    }
  }

  /** @param {any[]} personas */
  #show(personas) {
    this.#personas = personas;
    const [place, focused] = [find("personas"), document.activeElement];
    const focusedId = place.contains(focused) ? focused?.id : "";
    place.replaceChildren(...personas.map((one) => makeChoice(one, one.id === this.#persona?.id)));
    if (focusedId) document.getElementById(focusedId)?.focus();
    show(find("personas-form"), personas.length > 0);
    show(find("personas-empty"), personas.length === 0);
  }

  /** Each has a conversation of its own, as long as the page is open. @param {any} persona */
  #pick(persona) {
    this.#persona = persona;
    const input = find(`persona-${persona.id}`);
    const isLinked = !input.checked; // from elsewhere on the page, or by the address
    input.checked = true;
    if (!this.#chats.has(persona.id))
      this.#chats.set(persona.id, new PersonaChat(persona.id, { client, onChange: () => this.#draw(persona) }));
    show(find("talk"));
    find("chat-log").replaceChildren();
    showError(find("chat-failed"), null);
    this.#draw(persona);
    if (isLinked) find("question").focus();
  }

  async #ask() {
    const question = find("question");
    const [chat, text] = [this.#chat, question.value.trim()];
    if (!chat || chat.isAnswering || text === "") return;
    showError(find("chat-failed"), null);
    question.value = "";
    const persona = this.#persona;
    try {
      await chat.ask(text);
    } catch (/** @type {any} */ error) {
      if (persona !== this.#persona) return;
      showError(find("chat-failed"), troubleOf(error));
      if (question.value === "") question.value = text; // to be sent once more
    }
  }

  /** @param {any} persona whose conversation has changed */
  #draw(persona) {
    const chat = this.#chat;
    if (persona !== this.#persona || !chat) return;
    const log = find("chat-log");
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    // A growing answer is read out once it is whole.
    log.setAttribute("aria-busy", String(chat.isAnswering));
    chat.messages.forEach((message, index) => {
      const shown = log.children[index] ?? log.appendChild(makeMessage(message, persona));
      setText(shown.querySelector(".said"), message.content);
      setText(shown.querySelector(".state"), STATES[message.state] ?? "");
      show(shown.querySelector(".spinner"), message.state === "growing" && message.content === "");
    });
    show(log, chat.messages.length > 0);
    show(find("stop"), chat.isAnswering);
    find("ask").disabled = chat.isAnswering;
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  }
}

/** @param {any} persona @param {boolean} checked */
function makeChoice({ id, title, description, interviews }, checked) {
  const input = make("input", { id: `persona-${id}`, type: "radio", name: "persona", value: id, checked });
  input.addEventListener("change", () => {
    location.hash = personaHash(id);
  });
  const said = make(
    "span",
    { class: "choice-body" },
    make("strong", {}, title),
    description ? make("span", {}, description) : null,
    make("span", {}, interviews ? `인터뷰 ${interviews}개` : "맞는 인터뷰가 아직 없어요"),
  );
  return make("label", { class: "choice" }, input, said);
}

/** @param {import("../../sdk/interviews/chat.js").ChatMessage} message @param {any} persona */
function makeMessage({ role }, persona) {
  return make(
    "div",
    { class: role },
    make("b", {}, role === "user" ? "나" : persona.title),
    make("p", { class: "said" }),
    make("span", { class: "spinner", role: "img", "aria-label": "대답을 기다리는 중" }),
    make("p", { class: "state hint" }),
  );
}
