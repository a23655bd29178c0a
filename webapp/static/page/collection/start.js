/**
 * The page at `/`: consent and form, then the wait for the phone and the collection.
 * @module
 */

import { WelnoClient } from "../../sdk/collection/client.js";
import { Collection } from "../../sdk/collection/collection.js";
import { HealthDatabase } from "../../sdk/collection/database.js";
import { KEYS, WelnoStorage } from "../../sdk/collection/storage.js";
import { showConnection } from "../kit/connection.js";
import { find, setText, show, tellStarted, whileBusy } from "../kit/dom.js";
import { referenceLine, showError } from "../kit/error.js";
import { Field } from "../kit/field.js";
import { formatPhone } from "../kit/phone.js";
import { FaultSummary } from "../kit/summary.js";
import { showToast } from "../kit/toast.js";
import { offerDemoPeople } from "./demo_people.js";
import { explain, troubleOf } from "./errors.js";
import { farewell, watchLeaving } from "./leaving.js";
import { checkField, checkForm, cleanValues, consentFault, FIELD_NAMES, serverFaults } from "./form.js";
import { Steps } from "./steps.js";
import { drawCountdown, drawPhone, drawProgress, refusalOf } from "./waiting.js";

const storage = new WelnoStorage();
const client = new WelnoClient({ storage });
const database = new HealthDatabase({ client });
const form = /** @type {HTMLFormElement} */ (find("start-form"));
let collection = /** @type {Collection|null} */ (null);
let refusal = /** @type {import("./waiting.js").Refusal|null} */ (null);

const inputsOf = (name) => [...form.querySelectorAll(`[name="${name}"]`)];
const fields = Object.fromEntries(FIELD_NAMES.map((name) => [name, makeField(name)]));
const steps = new Steps(find("form-view"), { mayLeave: isWellFilled });
const summary = new FaultSummary("form-summary", Object.values(fields));
const askedConsents = () => inputsOf("consents").filter((box) => !box.closest(".term").hidden);
const consentOf = (box) => ({ kind: box.value, title: box.dataset.title });

function readValues() {
  const data = new FormData(form);
  const text = (name) => String(data.get(name) ?? "");
  return {
    user_name: text("user_name"),
    birthdate: text("birthdate"),
    gender: text("gender"),
    phone_no: text("phone_no"),
    private_auth_type: text("private_auth_type"),
    redirect_path: text("redirect_path"),
    missingConsents: askedConsents()
      .filter((box) => !box.checked)
      .map(consentOf),
  };
}

function makeField(name) {
  const format = name === "phone_no" ? formatPhone : undefined;
  const check = () => checkField(name, readValues());
  return new Field(name, { inputs: inputsOf(name), format, check, reveal: (input) => steps.reveal(input) });
}

/** @param {Element} step */
function isWellFilled(step) {
  const faults = Object.entries(checkForm(readValues()));
  const here = Object.fromEntries(faults.filter(([name]) => step.contains(inputsOf(name)[0])));
  showFaults(here);
  return Object.keys(here).length === 0;
}

/** Nothing but to send it is left. */
function showFilledIn() {
  showFaults({});
  steps.reveal(find("start-button"));
  find("start-button").focus();
}

function showFaults(faults) {
  for (const name of FIELD_NAMES) fields[name].setFault(faults[name] ?? "");
  showError(find("form-failure"), { text: faults.form ?? "" });
  const first = FIELD_NAMES.find((name) => faults[name]);
  if (first) steps.reveal(inputsOf(first)[0]);
  summary.lead();
}

function watchConsent() {
  const all = find("agree-all");
  const settle = () => {
    for (const term of form.querySelectorAll("[data-report-only]"))
      term.hidden = readValues().redirect_path !== "/disease-report";
    all.checked = askedConsents().every((box) => box.checked);
  };
  all.addEventListener("change", () => {
    for (const box of askedConsents()) box.checked = all.checked;
    if (all.checked) fields.consents.setFault("");
  });
  form.addEventListener("change", ({ target }) => target !== all && settle());
  settle();
}

/** A campaign's link may name its order and the hospital; whatever else stands there is not ours. */
function campaign() {
  const query = new URLSearchParams(location.search);
  const known = [
    ["oid", query.get("oid")],
    ["hospital_id", query.get("hospital")],
  ];
  return Object.fromEntries(known.filter(([, value]) => value && /^[\w-]{1,64}$/.test(value)));
}

async function submit() {
  const values = readValues();
  const faults = checkForm(values);
  showFaults(faults);
  if (Object.keys(faults).length > 0) return;
  const clean = cleanValues(values);
  try {
    const { session_id } = await client.startSession({
      ...clean,
      ...campaign(),
      redirect_path: values.redirect_path,
      ...givenConsents(),
    });
    keep(session_id, clean, values.redirect_path);
    await followThrough(session_id);
  } catch (error) {
    fail(error);
  }
}

/** With the hashes of the texts as this page shows them: the server asks again when one has changed since. */
function givenConsents() {
  const given = askedConsents().filter((box) => box.checked);
  const consents = given.map((box) => box.value);
  return { consents, consent_texts: Object.fromEntries(given.map((box) => [box.value, box.dataset.sha256])) };
}

function keep(sessionId, values, redirectPath) {
  storage.clearSession();
  const kept = {
    [KEYS.sessionId]: sessionId,
    [KEYS.redirectPath]: redirectPath,
    [KEYS.authType]: values.private_auth_type,
    [KEYS.termsAgreed]: new Date().toISOString(),
    [KEYS.manualCollect]: "false",
  };
  for (const [key, value] of Object.entries(kept)) storage.write(key, value);
  if (!storage.isLasting)
    showToast("warning", "이 브라우저에 저장할 수 없어요. 이 탭을 닫으면 이어서 볼 수 없으니, 끝날 때까지 열어 두세요.");
}

/** What was not sent, and may be sent later, is a state of its own. @returns {boolean} whether this error is such */
function refuse(error) {
  const found = refusalOf(error);
  if (!found || !collection) return false;
  refusal = found;
  drawProgress(collection.progress, collection.flow, refusal);
  tick();
  find("waiting-title").focus();
  return true;
}

function tick() {
  if (collection) drawCountdown(collection.flow, refusal, client.now());
}

/** The push may be asked for again without harm: one that waits is not sent twice. */
async function askThePhone(sessionId) {
  try {
    await client.simpleAuth(sessionId);
  } catch (error) {
    if (refuse(error)) return;
    if (!error.retryable) throw error;
    showToast("error", explain(error), error.requestId);
    await new Promise((resolve) => {
      setTimeout(resolve, 1000 * Math.min(error.retryAfterSeconds ?? 3, 30));
    });
    if (collection?.sessionId === sessionId) await askThePhone(sessionId);
  }
}

const CHANGED_TEXTS = {
  text: "동의 내용이 바뀌었어요. 새 내용을 읽고 다시 동의해 주세요.",
  next: { label: "새 내용 보기", act: () => location.reload() },
};

function fail(error) {
  const trouble = error.code === "CONSENT_REQUIRED" ? CHANGED_TEXTS : troubleOf(error, () => form.requestSubmit());
  backToForm("");
  const faults = refusedFields(error);
  showFaults(faults);
  if (Object.keys(faults).length > 0) return;
  showError(find("form-failure"), trouble);
  find("form-failure").scrollIntoView({ block: "center" });
}

/** What the server refused, at its field. @returns {Record<string, string>} */
function refusedFields({ status, code, message, details }) {
  if (code === "GUARDIAN_REQUIRED") return { birthdate: `${message} 보호자가 대신 신청하는 방법은 준비하고 있어요.` };
  if (code === "CONSENT_REQUIRED" && details.changed.length === 0) {
    const missing = inputsOf("consents").filter((box) => details.missing.includes(box.value));
    return { consents: consentFault(missing.map(consentOf)) };
  }
  return status === 400 ? serverFaults(details) : {};
}

/** Once a session has begun, a lost connection sends nobody back to the form. */
async function followThrough(sessionId) {
  try {
    await follow(sessionId);
  } catch (error) {
    if (error.retryable) retryWhenOnline(sessionId);
    else if (error.status === 404) backToForm("지난번에 하던 기록 모으기는 시간이 지나 끝났어요. 다시 시작해 주세요.");
    else backToForm(explain(error), error.requestId);
  }
}

/** The session waits on the server's side. */
function retryWhenOnline(sessionId) {
  showConnection("offline");
  const tried = new AbortController();
  const again = () => {
    tried.abort();
    clearTimeout(timer);
    if (storage.read(KEYS.sessionId) === sessionId) followThrough(sessionId);
  };
  const timer = setTimeout(again, 3_000);
  globalThis.addEventListener("online", again, { signal: tried.signal });
}

async function follow(sessionId) {
  collection?.stop();
  collection = new Collection({
    sessionId,
    page: "/",
    client,
    storage,
    database,
    view: { perform, showProgress, showConnection },
  });
  show(find("form-view"), false);
  show(find("waiting-view"));
  show(find("retry"), false);
  drawPhone(storage.read(KEYS.authType));
  find("waiting-title").focus();
  await collection.start();
  // Also after a reload between the start and the push.
  if (collection?.flow.status === "initiated") await askThePhone(sessionId);
}

/** A request that is on its way ends an earlier refusal. */
function showProgress(progress, flow) {
  if (flow.status === "auth_key_received" || flow.status === "auth_waiting") refusal = null;
  drawProgress(progress, flow, refusal);
  tick();
}

const PERFORM = {
  toast: ({ level, text }) => showToast(level, text, level === "error" ? collection?.sessionId : null),
  spinner: ({ on }) => show(find("spinner"), on),
  navigate: ({ to }) => location.replace(to), // else the way back would lead here, and on to the results again
  refresh: () => {},
  dialog: () => {}, // the password is offered beside the results
  retry: ({ text }) => {
    setText(find("retry-text"), text);
    find("retry-reference").replaceChildren(referenceLine(collection?.sessionId ?? ""));
    show(find("retry"));
  },
  declined: () => find("waiting-title").focus(),
  requestOver: () => find("waiting-title").focus(),
  correct: ({ text }) => backToDetails(text || "입력한 정보로 인증할 수 없었어요. 정보를 확인하고 다시 시작해 주세요."),
  restart: ({ reason, text }) =>
    backToForm(
      text || "기록 모으기가 끝까지 진행되지 못했어요. 다시 시작해 주세요.",
      reason === "failed" ? collection?.sessionId : null,
    ),
};

function perform(action) {
  return PERFORM[action.do](action);
}

/** @param {string} notice @param {string|null} [reference] */
function backToForm(notice, reference = null) {
  collection?.stop();
  if (collection) storage.endSession(collection.sessionId);
  collection = null;
  refusal = null;
  showConnection("closed");
  show(find("waiting-view"), false);
  show(find("form-view"));
  showError(find("form-notice"), { text: notice, reference });
  if (notice) find("form-notice").focus();
}

/** @param {string} notice */
function backToDetails(notice) {
  steps.reveal(inputsOf("user_name")[0]);
  backToForm(notice);
}

function watchWaiting() {
  find("approve-button").addEventListener("click", ({ currentTarget }) =>
    whileBusy(currentTarget, async () => {
      try {
        await collection?.approve();
        show(find("retry"), false);
        showToast("info", "승인을 확인하고 있어요.");
      } catch (error) {
        showToast("warning", explain(error), error.requestId);
      }
    }),
  );
  const askAgain = ({ currentTarget }) =>
    whileBusy(currentTarget, async () => {
      try {
        const answer = await collection?.askAgain();
        if (answer?.duplicate_request_prevented) {
          showToast("info", "앞서 보낸 요청을 아직 기다리고 있어서 다시 보내지 않았어요. 휴대폰을 확인해 주세요.");
          return;
        }
        refusal = null;
        show(find("retry"), false);
        showToast("info", "인증 요청을 다시 보냈어요. 휴대폰을 확인해 주세요.");
      } catch (error) {
        if (!refuse(error)) showToast("warning", explain(error), error.requestId);
      }
    });
  for (const id of ["resend-button", "ask-again-button"]) find(id).addEventListener("click", askAgain);
  const leave =
    (notice, focus = () => find("start-title").focus()) =>
    async () => {
      const left = collection;
      backToForm(notice);
      focus();
      await left?.cancel().catch(explain);
    };
  find("other-app-button").addEventListener(
    "click",
    leave("다른 앱을 고른 뒤 다시 시작해 주세요.", () => fields.private_auth_type.focus()),
  );
  find("cancel-button").addEventListener("click", leave(""));
  find("correct-button").addEventListener(
    "click",
    leave("정보를 고친 뒤 다시 시작해 주세요.", () => fields.user_name.focus()),
  );
}

/** A reload in the middle goes on where it was; what is over is offered, not forced. */
async function takeUp() {
  const sessionId = storage.read(KEYS.sessionId);
  if (sessionId && !storage.isDone(sessionId, "save")) await followThrough(sessionId);
}

/** Who has just left is told so, and follows nobody else's session. @returns {boolean} whether somebody has */
function greet() {
  const { search, pathname } = location;
  const text = farewell(search);
  if (!text) return false;
  history.replaceState(history.state, "", pathname);
  form.reset();
  showError(find("form-notice"), { text });
  find("form-notice").focus();
  return true;
}

function offerPrevious() {
  const uuid = storage.read(KEYS.patientUuid);
  show(find("previous"), uuid !== null);
  const query = new URLSearchParams({ uuid: uuid ?? "", hospital: storage.read(KEYS.hospitalId) ?? "" });
  find("previous-link").href = `/results-trend?${query}`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!steps.goOn()) whileBusy(find("start-button"), submit);
});
// Before, the browser itself would have sent the form, and into the address.
for (const id of ["start-button", "step-next"]) find(id).disabled = false;
watchConsent();
offerDemoPeople(form, showFilledIn);
watchWaiting();
setInterval(tick, 1_000);
watchLeaving({ client, storage, database, uuid: () => null, stop: () => collection?.stop() });
storage.forgetUnsealed();
database.forgetUnsealed().catch(() => {}); // of a store that cannot be used
offerPrevious();
tellStarted();
if (!greet()) await takeUp();
