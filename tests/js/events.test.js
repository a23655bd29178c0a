import assert from "node:assert/strict";
import { test } from "node:test";

import { ending, eventName } from "../../webapp/static/sdk/collection/events.js";
import { event, streaming } from "./stores.js";

test("a streaming event is named by its status", () => {
  assert.equal(eventName(streaming("completed")), "completed");
  assert.equal(eventName(event("auth_waiting", { status: "auth_pending" })), "auth_waiting");
});

test("nothing comes after completed, expired or cancelled", () => {
  assert.equal(ending(streaming("completed")), "completed");
  assert.equal(ending(event("expired", { status: "expired" })), "expired");
  assert.equal(ending(event("cancelled", { status: "cancelled" })), "cancelled");
});

test("an older server's ends are errors by type", () => {
  assert.equal(ending(event("error", { status: "expired" })), "expired");
  assert.equal(ending(event("error", { status: "cancelled" })), "cancelled");
});

test("a decline does not end the stream", () =>
  assert.equal(ending(event("declined", { status: "declined" })), null));

test("an error alone does not end the stream", () => assert.equal(ending(event("error", { status: "error" })), null));
