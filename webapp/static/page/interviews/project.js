/**
 * `/projects/{id}`: a project's interviews, live; one of them with its analysis; the search; all
 * highlights; the themes; the personas; the settings.
 * @module
 */

import { InterviewFeed } from "../../sdk/interviews/feed.js";
import { showConnection } from "../kit/connection.js";
import { find, show, tellStarted } from "../kit/dom.js";
import { showError } from "../kit/error.js";
import { showToast } from "../kit/toast.js";
import { ChatView } from "./chat_view.js";
import { DeletedList } from "./deleted_list.js";
import { askToSignIn, client, enter } from "./entry.js";
import { HighlightsView } from "./highlights_view.js";
import { InterviewList } from "./interview_list.js";
import { InterviewView } from "./interview_view.js";
import { PersonaMaker } from "./persona_maker.js";
import { retryInterview } from "./retry.js";
import { placeOf, VIEWS } from "./routes.js";
import { SearchView } from "./search_view.js";
import { SettingsView } from "./settings_view.js";
import { ThemesView } from "./themes_view.js";
import { UploadForm } from "./upload_form.js";
import { explainTo, nameRole, troubleOf } from "./words.js";

const projectId = location.pathname.split("/")[2];

/** What else than the list and the open interview an event changes. @type {Record<string, Set<string>>} by view */
const CHANGES = {
  search: new Set(["interview:deleted", "interview:changed"]),
  highlights: new Set(["interview:highlighted", "interview:deleted", "interview:added", "interview:changed"]),
  themes: new Set(["interview:deleted", "interview:added"]), // its quotes go along, and come back
  chat: new Set(["interview:deleted", "interview:added", "interview:completed"]),
};
/** @type {Record<string, import("./settings_view.js").Part[]>} of the settings, by type */
const PARTS_CHANGED = {
  "interview:status_changed": ["costs"],
  "interview:completed": ["costs"],
  "interview:failed": ["costs"],
  "interview:deleted": ["costs", "original_reads"],
  "insight:changed": ["costs"],
};
/** @type {Record<string, Record<string, ["success"|"error", string]>>} by kind and status */
const INSIGHT_TOASTS = {
  themes: { completed: ["success", "주제를 찾았어요."], failed: ["error", "주제를 찾지 못했어요."] },
  persona: { completed: ["success", "페르소나를 만들었어요."], failed: ["error", "페르소나를 만들지 못했어요."] },
};

class ProjectPage {
  #list;
  #view;
  #deleted;
  #feed;
  #role;
  #isGone = false; // the interview that is left
  #search = new SearchView(projectId);
  #highlights = new HighlightsView(projectId);
  #chat = new ChatView(projectId);
  #settings;
  #themes;
  #maker;

  /** @param {any} project */
  constructor(project) {
    this.#role = project.role;
    const mayEdit = project.role !== "viewer";
    const isAdmin = project.role === "admin";
    const may = { edit: mayEdit, readOriginal: isAdmin, consent: project.requires_consent };
    this.#view = new InterviewView(may, () => this.#leaveInterview());
    this.#settings = new SettingsView(project);
    const titleOf = (/** @type {string} */ id) => this.#titleOf(id) ?? "인터뷰";
    this.#themes = new ThemesView(projectId, mayEdit, titleOf);
    this.#maker = new PersonaMaker(projectId, mayEdit, titleOf);
    this.#deleted = mayEdit ? new DeletedList(projectId, isAdmin) : null;
    this.#list = new InterviewList(
      {
        retry: (id, title) => this.#try(() => retryInterview(id, title)),
        retryUpload: (id) => this.#try(() => this.#feed.retryUpload(id)),
        dismissUpload: (id) => this.#feed.dismissUpload(id),
      },
      mayEdit,
    );
    this.#feed = new InterviewFeed(projectId, {
      client,
      onChange: (interviews) => this.#show(interviews),
      onToast: (level, text, { data }) => showToast(level, this.#aboutWhich(text, data)),
      onEvent: (event) => this.#takeEvent(event),
      onState: (state, reason) => this.#noteState(state, reason),
    });
    if (mayEdit) new UploadForm((upload) => this.#upload(upload), project.requires_consent);
    addEventListener("hashchange", () => this.#go());
    this.#feed.start();
    this.#go();
  }

  /** The view that the address names. */
  #go() {
    const place = placeOf(location.hash);
    const left = this.#view.id;
    for (const view of VIEWS) {
      show(find(`${view}-view`), view === place.view);
      const tab = find(`tab-${view}`);
      if (view === place.view) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    // A phone shows the list or the interview, a wider page both.
    find("interviews-view").classList.toggle("is-open", place.interview !== null);
    this.#list.mark(place.interview);
    if (place.view === "interviews") this.#view.open(place.interview, place.line);
    else if (place.view === "search") this.#search.open(place.words);
    else if (place.view === "highlights") this.#highlights.open(place.tag);
    else if (place.view === "themes") this.#themes.refresh();
    else if (place.view === "chat") this.#openChat(place.persona);
    else this.#settings.open();
    if (place.view === "interviews" && place.interview === null && left !== null) this.#focusListAfter(left);
  }

  /** @param {string|null} persona */
  #openChat(persona) {
    this.#chat.open(persona);
    this.#maker.refresh();
  }

  /** The keyboard goes on where it came from. @param {string} id */
  #focusListAfter(id) {
    const link = this.#isGone ? null : document.getElementById(`open-${id}`);
    this.#isGone = false;
    (link ?? find("interviews-title")).focus();
  }

  /** @param {any[]} interviews */
  #show(interviews) {
    const more = () => this.#try(() => this.#feed.loadMore());
    this.#list.show(interviews, this.#feed.hasMore ? more : null);
    // After a cut the list is loaded anew, and no event tells of what happened meanwhile.
    const open = interviews.find(({ id }) => id === this.#view.id);
    if (open) this.#view.refresh(open);
  }

  /** Also of an interview that is open and in no list, as one found by the search.
   * @param {any} event of the project's stream */
  #takeEvent({ type, data }) {
    if (type === "project:changed") return this.#takePart(data.part);
    this.#refreshSettings(PARTS_CHANGED[type] ?? []);
    if (type === "insight:changed") return this.#takeInsight(data);
    if (type === "interview:deleted" || type === "interview:added") this.#deleted?.refresh();
    if (CHANGES.search.has(type)) this.#search.forget();
    if (CHANGES.chat.has(type)) this.#chat.forget();
    if (CHANGES[placeOf(location.hash).view]?.has(type)) this.#refreshShown();
    const id = data.interviewId ?? data.interview?.id;
    if (!id || id !== this.#view.id) return;
    if (type === "interview:deleted") this.#leaveInterview();
    else if (type === "interview:highlighted") this.#view.noteHighlighted(id, data.revision);
    else this.#view.refresh({ id, revision: data.revision ?? data.interview?.revision });
  }

  /** @param {any} data of `insight:changed` */
  #takeInsight({ kind, status, error }) {
    // Erased with its interview it has failed of nothing, and nobody here has asked for it.
    const toast = status === "failed" && !error ? null : INSIGHT_TOASTS[kind]?.[status];
    if (toast) showToast(...toast);
    if (kind === "persona" && (status === "completed" || status === "failed")) this.#chat.forget();
    this.#refreshShown();
  }

  /** @param {import("./settings_view.js").Part} part of the project */
  #takePart(part) {
    this.#refreshSettings([part]);
    if (part === "members") this.#checkRole();
  }

  /** What is offered depends on it. Who is out is told by the stream. */
  async #checkRole() {
    const project = await askOrNull(client.project(projectId));
    if (project === null || project.role === this.#role) return;
    this.#role = project.role;
    showFacts(project);
    const text = `내 역할이 바뀌었어요: ${nameRole(project.role)}. 새로 열면 할 수 있는 일이 맞게 나와요.`;
    showError(find("project-failed"), { text, next: { label: "새로 열기", act: () => location.reload() } });
  }

  /** @param {import("./settings_view.js").Part[]} parts */
  #refreshSettings(parts) {
    if (this.#isShown("settings")) for (const part of parts) this.#settings.refresh(part);
  }

  #forget() {
    this.#search.forget();
    this.#chat.forget();
  }

  /** What somebody looks at; the rest is asked for with the next look. */
  #refreshShown() {
    const { view, words, persona } = placeOf(location.hash);
    if (view === "search") this.#search.open(words);
    else if (view === "highlights") this.#highlights.refresh();
    else if (view === "themes") this.#themes.refresh();
    else if (view === "chat") this.#openChat(persona);
    else if (view === "settings") this.#settings.open();
  }

  /** @param {typeof VIEWS[number]} view */
  #isShown(view) {
    return placeOf(location.hash).view === view;
  }

  #leaveInterview() {
    if (this.#view.id === null) return; // by the event, before the answer to the deletion
    this.#isGone = true;
    location.hash = "interviews";
  }

  /** @param {import("../../sdk/interviews/client.js").Upload} upload */
  async #upload(upload) {
    const answer = await this.#feed.upload(upload);
    if (answer?.duplicate_of) showToast("warning", "같은 내용의 인터뷰가 이 프로젝트에 이미 있어요.");
    return answer;
  }

  /** @param {string} text @param {any} data of the event */
  #aboutWhich(text, data) {
    const id = data.interviewId ?? data.interview?.id;
    const title = data.interview?.title ?? this.#titleOf(id);
    return title ? `${text}: ${title}` : text;
  }

  /** @param {string} id @returns {string|undefined} of those that are loaded */
  #titleOf(id) {
    return this.#feed.interviews.find((one) => one.id === id)?.title;
  }

  /** @param {import("../../sdk/core/stream.js").StreamState} state @param {string|null} reason */
  #noteState(state, reason) {
    showConnection(state);
    // What changes while it is cut may be told by no event.
    if (state === "streaming") this.#refreshShown();
    else this.#forget();
    if (state !== "closed") return;
    if (reason === "unauthenticated") askToSignIn();
    else this.#list.showError({ text: "이 프로젝트를 더 볼 수 없어요. 새로 바뀐 것은 나오지 않아요." });
  }

  /** @param {() => Promise<any>} work */
  async #try(work) {
    try {
      await work();
    } catch (/** @type {any} */ error) {
      showToast("error", explainTo(error), error.requestId);
    }
  }
}

/** @param {Promise<any>} asked @returns {Promise<any|null>} null where it cannot be had */
async function askOrNull(asked) {
  try {
    return await asked;
  } catch (/** @type {any} */ error) {
    if (error.status === undefined) throw error;
    return null;
  }
}

/** @param {any} project */
function showFacts({ company, role, purpose }) {
  find("project-facts").textContent = [company.name, `내 역할: ${nameRole(role)}`, purpose].filter(Boolean).join(" · ");
}

async function open() {
  showError(find("project-failed"), null);
  try {
    await enter();
    const project = await client.project(projectId);
    find("project-title").textContent = project.name;
    showFacts(project);
    document.title = `${project.name} · 웰노 인터뷰`;
    show(find("project"));
    new ProjectPage(project);
  } catch (/** @type {any} */ error) {
    if (error.status === undefined) throw error;
    if (error.status === 401) return;
    const next = error.status === 404 ? null : { act: open };
    showError(find("project-failed"), { ...troubleOf(error), next });
  }
}

tellStarted();
open();
