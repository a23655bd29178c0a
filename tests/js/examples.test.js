/** The written examples take events as they come: both of a batch at once. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { settle } from "./browser.js";

const textOf = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const EVENTS = [{ type: "auth_completed", message: "확인했어요." }, { type: "progress", status: "completed", message: "모았어요.", data: { patient_uuid: "u" } }];

/** A server that has renewed the token: only the new one opens records. */
function renewed({ isDown = false } = {}) {
  let token = "old";
  return {
    useToken: (given) => (token = given),
    startSession: async () => ({ session_id: "s", session_token: "old" }),
    simpleAuth: async () => ({}),
    status: async () => {
      if (isDown) throw new Error("down");
      return { session_token: "new" };
    },
    checkupRecords: async () => {
      if (token !== "new") throw new Error("TOKEN_RENEWED");
      return { items: [1, 2, 3] };
    },
  };
}

/** Both examples, with what stands around them: each answers what it showed and told. */
const EXAMPLES = {
  "docs/examples/collect.html": async (text, client, connect) => {
    const code = text.slice(text.indexOf("function follow("), text.indexOf("</script>"));
    const told = [];
    new Function("client", "connect", "sessionStream", "say", "end", `${code}; follow("s");`)(client, connect, () => ({}), () => {}, (words) => told.push(words));
    await settle();
    return told;
  },
  "dev/sdk/README.md": async (text, client, connect) => {
    const code = text.slice(text.indexOf("const { session_id"), text.indexOf("```\n\n`baseUrl`"));
    const told = [];
    const Async = Object.getPrototypeOf(async () => {}).constructor;
    await new Async("client", "connect", "sessionStream", "person", "show", "tell", code)(client, connect, () => ({}), {}, ({ items }) => told.push(`건강검진 기록 ${items.length}건을 모았어요.`), (error) => told.push(error.message));
    await settle();
    return told;
  },
};
const inOneBatch = (_, { onEvent }) => EVENTS.forEach((event) => onEvent(event));

for (const [path, run] of Object.entries(EXAMPLES)) {
  test(`${path} reads records with the renewed token, also when both events come at once`, async () => {
    assert.deepEqual(await run(textOf(path), renewed(), inOneBatch), ["건강검진 기록 3건을 모았어요."]);
  });

  test(`${path} tells what failed`, async () => {
    assert.deepEqual(await run(textOf(path), renewed({ isDown: true }), inOneBatch), ["down", "TOKEN_RENEWED"]);
  });
}

test("each written stream is given the client that it reads with", () => {
  for (const path of ["README.md", "docs/integration.md", ...Object.keys(EXAMPLES)])
    for (const [, given] of textOf(path).matchAll(/sessionStream\(([^()]*)\)/g)) assert.match(given, /, client$/, path);
});
