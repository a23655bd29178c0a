/** The form's steps and the browser's history: no way back but the first step's leads out of the form. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Steps } from "../../webapp/static/page/collection/steps.js";
import { settle } from "./browser.js";
import { openDocument } from "./document.js";

const LAST = 3;
let find = (id) => document.getElementById(id);
let browser;

/** A tab's history: of another page, then of this one. `isOut` once the other page is reached. */
class FakeHistory {
  #entries = [null];
  #at = 0;
  isOut = false;
  onPopState = (_event) => {};

  get state() {
    return this.#entries[this.#at];
  }
  replaceState(state) {
    this.#entries[this.#at] = structuredClone(state);
  }
  pushState(state) {
    this.#entries.splice(this.#at + 1, Infinity, structuredClone(state));
    this.#at += 1;
  }
  /** As a link to a place in the page does. */
  followFragment() {
    this.pushState(null);
    this.onPopState({ state: null });
  }
  back() {
    this.#go(-1);
  }
  forward() {
    this.#go(1);
  }
  #go(way) {
    queueMicrotask(() => {
      const at = this.#at + way;
      if (at < 0) this.isOut = true;
      if (this.isOut || at >= this.#entries.length) return;
      this.#at = at;
      this.onPopState({ state: this.state });
    });
  }
}

beforeEach(() => {
  find = openDocument();
  browser = new FakeHistory();
  load();
});

/** The page begins, anew where it was loaded before. */
function load({ isNarrow = true } = {}) {
  globalThis.history = /** @type {any} */ (browser);
  globalThis.matchMedia = /** @type {any} */ (() => ({ matches: isNarrow }));
  globalThis.addEventListener = (_, listener) => (browser.onPopState = listener);
  find = openDocument();
  const view = find("form-view");
  view.querySelectorAll = () => Array.from({ length: LAST });
  view.querySelector = (selector) => selector;
  view.leads = 0;
  view.scrollIntoView = () => (view.leads += 1);
  return new Steps(view, { mayLeave: () => true });
}

const at = () => Number(find("form-view").dataset.at);
const control = (step) => /** @type {any} */ ({ closest: () => ({ dataset: { step } }) });

async function press(...ways) {
  for (const way of ways) {
    if (way === "next" || way === "previous") find(way === "next" ? "step-next" : "step-back").click();
    else browser[way]();
    await settle(1);
  }
}

test("each step is an entry of the browser's, and both ways back lead through them", async () => {
  await press("next", "next");
  assert.equal(at(), 3);
  await press("previous");
  assert.equal(at(), 2);
  await press("back");
  assert.deepEqual([at(), browser.isOut], [1, false]);
  await press("back");
  assert.equal(browser.isOut, true);
});

test("from a step that was revealed the button leads to the one before, whatever lies behind", async () => {
  const steps = load();
  steps.reveal(control(3)); // as one tap of the demo does
  for (const step of [2, 1]) {
    const { leads } = find("form-view");
    await press("previous");
    assert.deepEqual([at(), browser.isOut, find("form-view").leads], [step, false, leads + 1]);
  }
  assert.equal(find("step-back").hidden, true);
  await press("next", "previous");
  assert.deepEqual([at(), browser.isOut], [1, false]);
});

test("details that are put right in the first entry leave the button its way", async () => {
  const steps = load();
  steps.reveal(control(3));
  steps.reveal(control(2));
  await press("next");
  steps.reveal(control(2)); // the entry behind is of the same step
  await press("previous");
  assert.deepEqual([at(), browser.isOut], [1, false]);
});

test("a link within the page adds no step to the way back, and does not lead out", async () => {
  await press("followFragment", "back");
  assert.deepEqual([at(), browser.isOut], [1, false]);
  await press("next", "followFragment", "previous");
  assert.deepEqual([at(), browser.isOut], [1, false]);
  load().reveal(control(2));
  await press("followFragment", "previous");
  assert.deepEqual([at(), browser.isOut], [1, false]);
});

test("a page that is loaded again goes on at its step, and back from there", async () => {
  await press("next", "next");
  load();
  assert.equal(at(), 3);
  await press("back");
  assert.equal(at(), 2);
  load();
  await press("previous");
  assert.deepEqual([at(), browser.isOut], [1, false]);
});

test("the way forward stays where it leads, also to what is shown already", async () => {
  const steps = load();
  await press("next", "next");
  steps.reveal(control(2));
  await press("back");
  assert.equal(at(), 1);
  await press("forward", "forward");
  assert.deepEqual([at(), browser.isOut], [2, false]);
  await press("back");
  assert.deepEqual([at(), browser.isOut], [1, false]);
});

for (const state of [null, { step: 4, depth: 0 }, { step: 0, depth: 0 }, { step: "2", depth: 0 }, { step: 2 }, "2"])
  test(`an entry of ${JSON.stringify(state)} is none of the form's, which begins at its beginning`, () => {
    browser.replaceState(state);
    load();
    assert.deepEqual([at(), browser.state], [1, { step: 1, depth: 0 }]);
  });

test("who waits for the phone leaves the page by the way back, and not by the way forward", async () => {
  await press("next", "next", "back");
  find("form-view").hidden = true;
  await press("forward");
  assert.equal(browser.isOut, false);
  await press("back");
  assert.equal(browser.isOut, true);
});

test("on a wide screen there are no steps to go through", async () => {
  const steps = load({ isNarrow: false });
  assert.equal(steps.goOn(), false);
  await press("followFragment", "back");
  assert.deepEqual([at(), browser.isOut, find("form-view").leads], [1, false, 0]);
});
