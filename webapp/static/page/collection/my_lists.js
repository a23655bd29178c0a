/**
 * The lists of `/my`: who looked, what was agreed to, where the person is signed in.
 * @module
 */

import { askToConfirm } from "../kit/dialog.js";
import { find, make, show, whileBusy } from "../kit/dom.js";
import { List } from "../kit/list.js";
import { showToast } from "../kit/toast.js";
import { newestOfKinds } from "./consents.js";
import { explain, troubleOf } from "./errors.js";
import { dayText, momentText } from "./moments.js";

/** @typedef {import("../../sdk/welno.js").WelnoClient} WelnoClient */
/** @typedef {{client: WelnoClient, uuid: string}} Whose */

const lists = { looks: new List("looks"), consents: new List("consents"), places: new List("places") };
const OPENED_BY = { authenticator: "휴대폰 인증으로 열었어요", password: "비밀번호로 열었어요" };
const ENDED = { withdrawn: "철회했어요", expired: "기간이 끝났어요", erased: "지웠어요" };

/** @param {Whose} whose */
export function loadLooks(whose) {
  const shown = /** @type {any[]} */ ([]);
  return load(lists.looks, () => loadLooks(whose), async function more() {
    const after = shown.at(-1)?.next ?? null;
    const page = await whose.client.accessLog(whose.uuid, { after });
    const focusFrom = after ? shown.length : null;
    shown.push(...page.items.map((look) => ({ look, next: page.next })));
    const onMore = page.next ? () => load(lists.looks, onMore, more) : null;
    lists.looks.showRows(shown.map(({ look }) => lookRow(look)), { onMore, focusFrom });
  });
}

function lookRow({ at, who, what, address, reason }) {
  const where = [momentText(at), address].filter(Boolean).join(" · ");
  return make(
    "li",
    {},
    make(
      "div",
      {},
      make("strong", {}, who),
      ` ${what}`,
      make("span", { class: "hint" }, where),
      reason ? make("span", { class: "hint" }, `이유: ${reason}`) : null,
    ),
  );
}

/** @param {Whose} whose */
export function loadConsents(whose) {
  return load(lists.consents, () => loadConsents(whose), async () => {
    const [texts, given] = await Promise.all([whose.client.consentTexts(), allConsents(whose)]);
    const rows = newestOfKinds(given, new Date(whose.client.now())).map((consent) => {
      const title = texts.find(({ kind }) => kind === consent.kind)?.title ?? consent.kind;
      return consentRow(consent, title, whose);
    });
    lists.consents.showRows(rows);
  });
}

/** @param {Whose} whose */
async function allConsents({ client, uuid }) {
  const items = [];
  for (let after; ;) {
    const page = await client.consents(uuid, after);
    items.push(...page.items);
    if (!page.next) return items;
    after = page.next;
  }
}

function consentRow(consent, title, whose) {
  const until = consent.isInForce
    ? `${dayText(consent.expires_at)}까지예요`
    : consent.ended_at
      ? `${dayText(consent.ended_at)}에 ${ENDED[consent.ended_how] ?? "끝났어요"}`
      : ENDED.expired;
  const button = make("button", { type: "button", "aria-label": `철회하기: ${title}` }, "철회하기");
  button.addEventListener("click", () => whileBusy(button, () => withdraw(consent.kind, title, whose)));
  return make(
    "li",
    {},
    make(
      "div",
      {},
      make("strong", {}, title),
      make("span", { class: "hint" }, `${dayText(consent.given_at)}에 동의했어요 · ${until}`),
    ),
    consent.isInForce ? button : null,
  );
}

async function withdraw(kind, title, { client, uuid }) {
  const isSure = await askToConfirm({
    title: "동의를 철회할까요?",
    text: "이 동의로 하던 일은 다음 단계에서 멈춰요. 이미 모은 기록은 남아요.",
    yes: "철회하기",
    look: "danger",
    about: title,
  });
  if (!isSure) return;
  try {
    await client.withdrawConsent(uuid, kind);
    location.assign(`/my/withdrawn?${new URLSearchParams({ kind, uuid })}`);
  } catch (/** @type {any} */ error) {
    showToast("error", explain(error), error.requestId);
  }
}

/** @param {Whose} whose */
export function loadPlaces(whose) {
  return load(lists.places, () => loadPlaces(whose), async () => {
    const { items: places } = await whose.client.sessions(whose.uuid);
    lists.places.showRows(places.map((place) => placeRow(place, whose)));
    const others = find("end-others");
    show(others, places.some(({ current }) => !current));
    others.onclick = () =>
      whileBusy(others, () => end(() => whose.client.endOtherSessions(whose.uuid), "다른 곳에서 모두 로그아웃했어요.", whose));
  });
}

function placeRow(place, whose) {
  const title = place.device || "알 수 없는 기기";
  const button = make("button", { type: "button", "aria-label": `끝내기: ${title}, ${momentText(place.created_at)}` }, "끝내기");
  button.addEventListener("click", () =>
    whileBusy(button, () => end(() => whose.client.endSession(whose.uuid, place.id), "그곳에서 로그아웃했어요.", whose)),
  );
  const facts = [OPENED_BY[place.opened_by], place.address].filter(Boolean).join(" · ");
  const times = `${momentText(place.created_at)}에 시작 · 마지막으로 쓴 때 ${momentText(place.last_seen_at)}`;
  return make(
    "li",
    {},
    make(
      "div",
      {},
      make("strong", {}, title),
      make("span", { class: "hint" }, facts),
      make("span", { class: "hint" }, times),
    ),
    place.current ? make("span", { class: "chip inside" }, "이 브라우저") : button,
  );
}

/** @param {() => Promise<any>} act @param {string} said @param {Whose} whose */
async function end(act, said, whose) {
  try {
    await act();
    showToast("success", said);
  } catch (/** @type {any} */ error) {
    showToast("error", explain(error), error.requestId);
  }
  await loadPlaces(whose);
}

/** @param {List} list @param {() => void} retry @param {() => Promise<void>} fill */
async function load(list, retry, fill) {
  list.showLoading();
  try {
    await fill();
  } catch (/** @type {any} */ error) {
    list.showError(troubleOf(error, retry));
  }
}
