/** A project's API as far as a feed and a chat ask it: answers that a test sets, streams that it writes. */

import { InterviewFeed } from "../../webapp/static/sdk/interviews/feed.js";
import { InterviewsClient } from "../../webapp/static/sdk/interviews/client.js";
import { FakeEvents, settle } from "./browser.js";

export const PROJECT = "p-1";
export const ME = { id: "a-1", name: "준", email: "jun@demo.test", company: { id: "c", name: "한빛리서치" } };
export const LIST = `GET /projects/${PROJECT}/interviews?limit=50`;
export const REFRESH = "POST /v1/accounts/refresh";
export const UPLOAD = "POST /workflow/async";

const failed = (status, code) => [status, { success: false, error: { code, message: code } }];
export const refusal = failed;

export function interview(number, traits = {}) {
  return {
    id: `i-${number}`,
    title: `인터뷰 ${number}`,
    workflow_status: "processing",
    attempt: 1,
    revision: 1,
    created_at: `2026-11-26T00:0${number}:00+00:00`,
    updated_at: `2026-11-26T00:0${number}:00+00:00`,
    created_by: ME.id,
    source: "text",
    file_bytes: null,
    error: null,
    ...traits,
  };
}

export const event = (seq, type, data) => ({
  seq,
  epoch: "e",
  type: `interview:${type}`,
  data,
  timestamp: "2026-11-26T01:00:00Z",
});
export const added = (seq, one) => event(seq, "added", { interview: one });
export const listOf = (interviews, seq = 0, next = null) => ({
  success: true,
  interviews,
  next,
  last_event_id: `e:${seq}`,
});

/** `answers` by "METHOD path": a value (200), `[status, value]`, or a function of the body that gives one of them. */
export class Project {
  asked = [];
  streams = [];
  answers = {
    [LIST]: listOf([]),
    [REFRESH]: failed(401, "UNAUTHORIZED"),
    "POST /v1/accounts/login": { account: ME, access_token: "t" },
  };

  constructor() {
    // Reads a body as a server does.
    globalThis.XMLHttpRequest = requestsOf(this);
  }

  fetch = async (url, { method, headers, body, signal }) => {
    const path = url.replace("http://h/api", "");
    if (path.startsWith("/sse/") || path === "/chat") return this.#open(path, signal, body && JSON.parse(body));
    const answer = await this.answer(`${method} ${path}`, body && JSON.parse(body), headers);
    return new Response(answer.status === 204 ? null : JSON.stringify(answer.body), answer);
  };

  async answer(name, body, headers) {
    this.asked.push({ name, body, headers });
    const known = this.answers[name];
    const given = typeof known === "function" ? await known(body) : (known ?? failed(404, "NOT_FOUND"));
    return Array.isArray(given) ? { status: given[0], body: given[1] } : { status: 200, body: given };
  }

  askedFor(name) {
    return this.asked.filter((one) => one.name === name);
  }

  /** The streams that are open. */
  get open() {
    return this.streams.filter(({ signal }) => !signal.aborted);
  }
  get stream() {
    return this.streams.at(-1);
  }

  async #open(path, signal, body) {
    const refused = this.refuseStream?.(path);
    const events = Object.assign(new FakeEvents(), { path, signal, asked: body });
    if (refused) return new Response(JSON.stringify(refused[1]), { status: refused[0] });
    this.streams.push(events);
    const headers = { "Content-Type": "text/event-stream; charset=utf-8" };
    return new Response(events.body.pipeThrough(new TransformStream(), { signal }), { headers });
  }
}

/** An XMLHttpRequest whose progress a test tells: `held` are those that wait for their answer. */
function requestsOf(project) {
  project.held = [];
  return class {
    upload = {};
    headers = {};
    open(method, url) {
      this.name = `${method} ${url.replace("http://h/api", "")}`;
    }
    setRequestHeader(name, value) {
      this.headers[name] = value;
    }
    getAllResponseHeaders() {
      return "Content-Type: application/json\r\n";
    }
    send(body) {
      this.body = typeof body === "string" ? JSON.parse(body) : body;
      project.held.push(this);
    }
    abort() {
      this.onabort();
    }
    async answer() {
      const { status, body } = await project.answer(this.name, this.body, this.headers);
      Object.assign(this, { status, responseText: JSON.stringify(body) });
      if (status === 0) this.onerror();
      else this.onload();
      await settle();
    }
  };
}

export const clientOf = (project, options = {}) =>
  new InterviewsClient({ baseUrl: "http://h/api", fetch: project.fetch, ...options });

/** Signed in and following, with what it tells. */
export async function openFeed(project, options = {}) {
  const client = clientOf(project, options.clientOptions);
  await client.signIn("jun@demo.test", "p");
  const seen = { lists: [], toasts: [], events: [], states: [] };
  const feed = new InterviewFeed(PROJECT, {
    client,
    debug: options.debug,
    random: () => 0,
    onChange: (interviews) => seen.lists.push(interviews.map((one) => `${one.title}: ${one.workflow_status}`)),
    onToast: (level, text) => seen.toasts.push(`${level} ${text}`),
    onEvent: ({ seq }) => seen.events.push(seq),
    onState: (state, reason) => seen.states.push(reason ? `${state}: ${reason}` : state),
  });
  feed.start();
  await settle();
  return Object.assign(seen, { feed, client, shown: () => seen.lists.at(-1) });
}
