/** A project's interviews in a browser: the list and its stream agree, uploads become rows, nothing is told twice. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { InterviewRows } from "../../webapp/static/sdk/interviews/rows.js";
import { events, pass, setUp, settle, sockets, tearDown } from "./browser.js";
import {
  added,
  clientOf,
  event,
  interview,
  LIST,
  listOf,
  ME,
  openFeed,
  PROJECT,
  Project,
  REFRESH,
  refusal,
  UPLOAD,
} from "./project.js";

let project;
let page;
beforeEach(() => {
  setUp();
  project = new Project();
});
afterEach(() => {
  page?.feed.close();
  page = null;
  delete globalThis.XMLHttpRequest;
  tearDown();
});

const changed = (seq, number, status, revision, attempt = 1) =>
  event(seq, "status_changed", { interviewId: `i-${number}`, status, previous: "processing", attempt, revision });
const deleted = (seq, number, revision) => event(seq, "deleted", { interviewId: `i-${number}`, revision });
const lists = () => project.askedFor(LIST).length;

async function tell(...frames) {
  project.stream.send(...frames);
  await settle();
}

test("the stream goes on from where the list stands, and nothing is polled", async () => {
  project.answers[LIST] = listOf([interview(2), interview(1)], 7);
  page = await openFeed(project);
  assert.deepEqual(page.shown(), ["인터뷰 2: processing", "인터뷰 1: processing"]);
  assert.deepEqual(project.streams.map(({ path }) => path), [`/sse/projects/${PROJECT}?after_seq=e%3A7`]);
  project.stream.write("retry: 5000\n\nid: e:7\n\n");
  await settle();
  for (let second = 0; second < 120; second += 30) {
    await pass(30);
    project.stream.write('data: {"type":"ping"}\n\n');
    await settle();
  }
  assert.deepEqual([lists(), project.streams.length, sockets.length], [1, 1, 0]);
});

test("each status is shown and told once, and what is older changes nothing", async () => {
  page = await openFeed(project);
  await tell(added(1, interview(1)), changed(2, 1, "analyzing", 2));
  const result = { persona_combination_id: "c-1", key_takeaways: ["짧게 쓴다"] };
  await tell(event(3, "completed", { interviewId: "i-1", attempt: 1, revision: 3, result }));
  await tell(changed(3, 1, "analyzing", 2));
  assert.deepEqual(page.shown(), ["인터뷰 1: completed"]);
  assert.deepEqual(page.toasts, ["info 새 인터뷰가 추가되었습니다", "success 인터뷰 분석이 완료되었습니다"]);
  assert.equal(page.feed.interviews[0].persona_combination_id, "c-1");
  assert.deepEqual(page.events, [1, 2, 3]);
});

test("a title that was masked meanwhile is asked for, and nothing else is", async () => {
  page = await openFeed(project);
  project.answers["GET /interviews/i-1"] = { interview: interview(1, { title: "[이름1] 인터뷰", revision: 3 }) };
  await tell(added(1, interview(1, { title: "김하늘 인터뷰" })), changed(2, 1, "analyzing", 3));
  assert.deepEqual(page.shown(), ["[이름1] 인터뷰: analyzing"]);
  await tell(
    event(3, "highlighted", { interviewId: "i-1", highlightId: "h", highlight: null, revision: 4 }),
    event(4, "changed", { interviewId: "i-1", revision: 5 }),
    event(5, "completed", { interviewId: "i-1", attempt: 1, revision: 6, result: null }),
  );
  assert.deepEqual(page.shown(), ["[이름1] 인터뷰: completed"]);
  assert.equal(project.askedFor("GET /interviews/i-1").length, 1);
});

test("a title that cannot be asked for stays until the next load", async () => {
  page = await openFeed(project);
  await tell(added(1, interview(1)), changed(2, 1, "analyzing", 3));
  assert.deepEqual([page.shown(), project.askedFor("GET /interviews/i-1").length], [["인터뷰 1: analyzing"], 1]);
  project.answers[LIST] = listOf([interview(1, { title: "[이름1] 인터뷰", workflow_status: "analyzing", revision: 3 })], 2);
  project.stream.end();
  await settle();
  await pass(5);
  assert.deepEqual(page.shown(), ["[이름1] 인터뷰: analyzing"]);
});

test("the title of an interview that is deleted meanwhile is asked for in vain", async () => {
  page = await openFeed(project);
  await tell(added(1, interview(1)), changed(2, 1, "analyzing", 3), deleted(3, 1, 5));
  assert.deepEqual([page.shown(), page.states], [[], ["streaming"]]);
  assert.equal(project.askedFor("GET /interviews/i-1").length, 1);
});

test("a failed analysis says why, and a retry takes that back", async () => {
  page = await openFeed(project);
  const error = { code: "MISO_TIMEOUT", message: "시간이 지났어요." };
  await tell(added(1, interview(1)), event(2, "failed", { interviewId: "i-1", attempt: 1, revision: 2, error }));
  assert.deepEqual(page.feed.interviews[0].error, error);
  assert.equal(page.toasts.at(-1), "error 분석에 실패했습니다");
  await tell(changed(3, 1, "processing", 3, 2));
  const { workflow_status, attempt, error: gone } = page.feed.interviews[0];
  assert.deepEqual([workflow_status, attempt, gone], ["processing", 2, null]);
});

test("a deleted interview goes, and comes back without being called new", async () => {
  project.answers[LIST] = listOf([interview(1)], 1);
  page = await openFeed(project);
  await tell(deleted(2, 1, 2));
  assert.deepEqual(page.shown(), []);
  await tell(added(3, interview(1, { revision: 3, workflow_status: "failed" })));
  assert.deepEqual([page.shown(), page.toasts], [["인터뷰 1: failed"], []]);
});

test("after an error it loads and follows anew, five seconds later", async () => {
  page = await openFeed(project);
  await tell(added(1, interview(1)));
  project.answers[LIST] = listOf([interview(2), interview(1)], 2);
  project.stream.end();
  await settle();
  await pass(4.9);
  assert.deepEqual([lists(), project.streams.length], [1, 1]);
  await pass(0.2);
  assert.deepEqual([lists(), project.streams.length], [2, 2]);
  assert.match(project.stream.path, /after_seq=e%3A2$/);
  await tell(added(3, interview(3)));
  assert.deepEqual(page.shown(), ["인터뷰 3: processing", "인터뷰 2: processing", "인터뷰 1: processing"]);
  assert.deepEqual(page.states, ["streaming", "connecting", "streaming"]);
});

test("there are never two streams", async () => {
  page = await openFeed(project);
  for (let round = 0; round < 4; round += 1) {
    await tell(added(round + 1, interview(round + 1)));
    project.answers[LIST] = listOf([], round + 1);
    assert.equal(project.open.length, 1);
    if (round % 2) events.dispatchEvent(new Event("online"));
    else project.stream.end();
    await settle();
    await pass(5.1);
    assert.equal(project.open.length, 1);
  }
});

test("a page that is shown again reads on at once, without a new list", async () => {
  page = await openFeed(project);
  await tell(added(1, interview(1)));
  events.dispatchEvent(new Event("online"));
  await settle();
  assert.deepEqual([lists(), project.streams.length], [1, 2]);
  assert.match(project.stream.path, /after_seq=e%3A1$/);
  await tell(added(2, interview(2)));
  await pass(10);
  assert.deepEqual([lists(), project.streams.length, page.events], [1, 2, [1, 2]]);
});

test("a place that is gone has the list loaded at once", async () => {
  page = await openFeed(project);
  await settle();
  project.answers[LIST] = { ...listOf([interview(4)]), last_event_id: "f:9" };
  project.stream.write('id: f:9\ndata: {"type":"resync","data":{"reload":true},"last_seq":9,"epoch":"f"}\n\n');
  await settle();
  assert.deepEqual([lists(), project.open.length, page.shown()], [2, 1, ["인터뷰 4: processing"]]);
  assert.match(project.stream.path, /after_seq=f%3A9$/);
});

test("a list that cannot be had is asked for again more and more rarely", async () => {
  project.answers[LIST] = refusal(503, "STORE_UNAVAILABLE");
  page = await openFeed(project);
  assert.deepEqual([page.states, project.streams.length], [["connecting"], 0]);
  const tries = [];
  for (let second = 0; second < 40; second += 1) {
    await pass(1);
    if (lists() > tries.length + 1) tries.push(second + 1);
  }
  assert.deepEqual(tries, [5, 15, 35]);
  project.answers[LIST] = listOf([]);
  await pass(40);
  await tell({ type: "ping" });
  assert.equal(page.states.at(-1), "streaming");
});

test("a network that is back has the list loaded at once", async () => {
  project.answers[LIST] = () => Promise.reject(new TypeError("no network"));
  page = await openFeed(project);
  assert.deepEqual(page.states, ["offline"]);
  project.answers[LIST] = listOf([]);
  events.dispatchEvent(new Event("online"));
  await settle();
  assert.equal(project.streams.length, 1);
});

test("a project that is not mine is the end", async () => {
  project.answers[LIST] = refusal(404, "PROJECT_NOT_FOUND");
  page = await openFeed(project);
  await pass(60);
  assert.deepEqual([page.states, lists()], [["closed: gone"], 1]);
});

test("a membership that is taken away ends the stream", async () => {
  page = await openFeed(project);
  project.stream.write('data: {"type":"closed","code":4404,"reason":"unknown"}\n\n');
  await settle();
  await pass(60);
  assert.deepEqual([page.states, lists()], [["streaming", "connecting", "closed: gone"], 1]);
});

test("older interviews come by pages, and stay over an error", async () => {
  project.answers[LIST] = listOf([interview(2)], 1, "i-2");
  project.answers[`${LIST}&before=i-2`] = listOf([interview(1)], 1);
  page = await openFeed(project);
  assert.equal(page.feed.hasMore, true);
  await page.feed.loadMore();
  assert.deepEqual(page.shown(), ["인터뷰 2: processing", "인터뷰 1: processing"]);
  await tell({ type: "ping" });
  project.stream.end();
  await pass(5.1);
  assert.deepEqual([page.shown().length, page.feed.hasMore], [2, false]);
});

test("an upload is a row at once, with how much is on its way", async () => {
  page = await openFeed(project);
  page.feed.upload({ file: new File(["답: 결제"], "인터뷰.txt", { lastModified: 5 }), maskWords: ["한빛", "은행"] });
  await settle();
  assert.deepEqual(page.shown(), ["인터뷰.txt: uploading"]);
  project.held[0].upload.onprogress({ loaded: 30, total: 60 });
  assert.equal(page.feed.interviews[0].progress, 0.5);
  const form = Object.fromEntries(project.held[0].body.entries());
  assert.deepEqual([form.projectId, form.lastModified, form.maskWords], [PROJECT, "5", "한빛,은행"]);
  assert.match(project.held[0].headers["Idempotency-Key"], /^[\w-]{1,64}$/);
});

for (const [order, first, second] of [
  ["before", "event", "answer"],
  ["after", "answer", "event"],
]) {
  test(`an event ${order} the answer makes one row of an upload`, async () => {
    page = await openFeed(project);
    project.answers[UPLOAD] = { interview: interview(1), duplicate_of: null };
    const uploaded = page.feed.upload({ text: "질문: 어떠셨어요?", title: "하나" });
    const steps = { event: () => tell(added(1, interview(1))), answer: () => project.held[0].answer() };
    await steps[first]();
    assert.deepEqual(page.shown(), ["인터뷰 1: processing"]);
    await steps[second]();
    assert.deepEqual(page.shown(), ["인터뷰 1: processing"]);
    assert.equal((await uploaded).interview.id, "i-1");
  });
}

test("an answer that comes after its interview was deleted brings nothing back", async () => {
  page = await openFeed(project);
  project.answers[UPLOAD] = { interview: interview(1), duplicate_of: null };
  page.feed.upload({ text: "질문" });
  project.held[0].upload.onload();
  await tell(added(1, interview(1)), deleted(2, 1, 2));
  await project.held[0].answer();
  assert.deepEqual(page.shown(), []);
});

test("a colleague's interview does not take an upload's place", async () => {
  page = await openFeed(project);
  page.feed.upload({ text: "질문", title: "내 것" });
  project.held[0].upload.onload();
  await tell(added(1, interview(1, { created_by: "a-2" })));
  assert.deepEqual(page.shown(), ["내 것: uploading", "인터뷰 1: processing"]);
});

test("an upload that failed says why, and is the same upload when tried again", async () => {
  page = await openFeed(project);
  project.answers[UPLOAD] = refusal(503, "STORE_UNAVAILABLE");
  const uploaded = page.feed.upload({ text: "질문", title: "하나" });
  await project.held[0].answer();
  assert.equal(await uploaded, null);
  const [row] = page.feed.interviews;
  assert.deepEqual([row.workflow_status, row.error.code], ["uploading", "STORE_UNAVAILABLE"]);
  project.answers[UPLOAD] = { interview: interview(1), duplicate_of: null };
  page.feed.retryUpload(row.id);
  await project.held[1].answer();
  const keys = project.askedFor(UPLOAD).map(({ headers }) => headers["Idempotency-Key"]);
  assert.equal(keys[0], keys[1]);
  assert.deepEqual(page.shown(), ["인터뷰 1: processing"]);
});

test("a file beyond 50 MiB is refused before it is sent", async () => {
  page = await openFeed(project);
  const file = Object.defineProperty(new File(["x"], "큰.pdf"), "size", { value: 52_428_801 });
  await page.feed.upload({ file });
  assert.deepEqual([page.feed.interviews[0].error.code, project.held.length], ["FILE_TOO_LARGE", 0]);
});

test("an upload that is dismissed is cut, and its row goes", async () => {
  page = await openFeed(project);
  const uploaded = page.feed.upload({ text: "질문" });
  page.feed.dismissUpload(page.feed.interviews[0].id);
  assert.equal(await uploaded, null);
  assert.deepEqual(page.shown(), []);
});

test("how many events came is told a minute later, once, and not at all when none did", async () => {
  const report = "POST /metrics/sse/received";
  project.answers[report] = [204, null];
  page = await openFeed(project);
  await tell(added(1, interview(1)), changed(2, 1, "analyzing", 2));
  for (let second = 0; second < 180; second += 30) {
    await pass(30);
    await tell({ type: "ping" });
  }
  assert.deepEqual(project.askedFor(report).map(({ body }) => body), [{ projectId: PROJECT, received: 2 }]);
});

test("the log of a feed says what it did, and nothing of what was said", async () => {
  page = await openFeed(project, { debug: true });
  await tell(added(1, interview(1)));
  assert.deepEqual(
    page.feed.log.map(({ at: _at, ...entry }) => entry),
    [
      { what: "load" },
      { what: "follow", place: "e:0" },
      { what: "state", state: "streaming", reason: null },
      { what: "event", type: "interview:added", seq: 1 },
    ],
  );
  for (let seq = 2; seq < 250; seq += 1) await tell(changed(seq, 1, "analyzing", seq));
  assert.equal(page.feed.log.length, 200);
});

test("a login that has ended is renewed once for all, and the calls are made again", async () => {
  const client = clientOf(project);
  let isFresh = false;
  project.answers["GET /projects"] = () => (isFresh ? { projects: [] } : refusal(401, "UNAUTHORIZED"));
  project.answers[REFRESH] = () => {
    isFresh = true;
    return { account: ME, access_token: "t2" };
  };
  await Promise.all([client.projects(), client.projects(), client.projects()]);
  assert.equal(project.askedFor(REFRESH).length, 1);
  assert.deepEqual(client.account, ME);
});

test("an upload under an ended login is sent again after the renewal", async () => {
  const client = clientOf(project);
  project.answers[UPLOAD] = refusal(401, "UNAUTHORIZED");
  project.answers[REFRESH] = { account: ME, access_token: "t2" };
  const sent = client.upload(PROJECT, { text: "질문" });
  await project.held[0].answer();
  project.answers[UPLOAD] = { interview: interview(1) };
  await project.held[1].answer();
  assert.equal((await sent).interview.id, "i-1");
});

test("a refresh whose answer was lost is asked for again under the same key", async () => {
  const client = clientOf(project);
  let tries = 0;
  project.answers[REFRESH] = () => ((tries += 1) < 3 ? refusal(503, "STORE_UNAVAILABLE") : { account: ME });
  const renewed = client.refreshLogin();
  await settle();
  await pass(1);
  await pass(2);
  assert.equal(await renewed, true);
  assert.equal(new Set(project.askedFor(REFRESH).map(({ body }) => body.idempotency_key)).size, 1);
});

test("a login that is over is told once, and opens nothing", async () => {
  let told = 0;
  const client = clientOf(project, { onLoggedOut: () => (told += 1) });
  project.answers["GET /projects"] = refusal(401, "UNAUTHORIZED");
  await assert.rejects(client.projects(), { status: 401 });
  assert.deepEqual([told, client.account], [1, null]);
});

test("a wrong password is told as such, and renews nothing", async () => {
  project.answers["POST /v1/accounts/login"] = refusal(401, "LOGIN_FAILED");
  await assert.rejects(clientOf(project).signIn("jun@demo.test", "wrong"), { code: "LOGIN_FAILED" });
  assert.deepEqual(project.askedFor(REFRESH), []);
});

test("a stream under an ended access token is opened again with a renewed one", async () => {
  let isFresh = false;
  project.refuseStream = () => (isFresh ? null : refusal(401, "UNAUTHORIZED"));
  project.answers[REFRESH] = () => {
    isFresh = true;
    return { account: ME };
  };
  page = await openFeed(project);
  await pass(0);
  await tell({ type: "ping" });
  assert.deepEqual([page.states, project.open.length], [["streaming"], 1]);
});

test("an event of an interview that no page has shown leaves it unknown", () => {
  const rows = new InterviewRows();
  assert.equal(rows.apply(changed(1, 1, "analyzing", 2)), false);
  assert.equal(rows.put(interview(1)), true);
});
