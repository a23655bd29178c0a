/** Blobs are completed once more after the envelopes that tell of them, by whoever may. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { WelnoError } from "../../webapp/static/sdk/core/errors.js";
import { BLOB_TYPE, writeBlobMessage } from "../../webapp/static/sdk/threads/blob_message.js";
import { Outbox } from "../../webapp/static/sdk/threads/outbox.js";
import { failure } from "./browser.js";
import { makeSender, Server } from "./threads-sending.js";
import { DOCTOR, NURSE, OTHER_THREAD, THREAD, until } from "./threads-setup.js";

/** Without the globals that a test of streams may have left. */
beforeEach(() => {
  globalThis.addEventListener ??= () => {};
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
});

const BLOB = { blobId: "5b3f2a86-7a53-4c2e-9d55-0a4d7a1c9e10", sealedHash: `sha256:${"0".repeat(64)}` };
const BLOB_TOLD = { ...BLOB, key: "A".repeat(43), name: "a.png", type: "image/png", size: 16 * 65_536, chunkBytes: 65_536 };

/** One that answers calls of `complete`, unless `refuse` throws, and takes down what it was told and after which item. It
 * is asked by `asker`, who has the `role` in the thread, if any. */
function completingServer(refuse = () => {}) {
  const server = Object.assign(new Server(), { completed: [], refuse, asker: NURSE, role: "writer" });
  server.me = async () => ({ memberId: server.asker, devices: [] });
  server.threads = async () => (server.role ? [{ threadId: OTHER_THREAD, role: "owner" }, { threadId: THREAD, role: server.role }] : []);
  server.completeBlob = async (threadId, blobId, told) => {
    server.refuse(blobId);
    server.completed.push({ threadId, blobId, ...told, after: server.taken.length });
  };
  return server;
}

test("a blob is completed once more when the envelope that tells of it was taken", async (t) => {
  const server = completingServer();
  server.answers = [failure(0), { refuse: ["KEY_RETIRED"] }];
  const renewKey = async () => "k2";
  const { sender, room, member } = await makeSender(t, { server, traits: { renewKey } });
  await room.rotate();
  await sender.send(THREAD, writeBlobMessage(BLOB_TOLD), { contentType: BLOB_TYPE });
  await sender.send(THREAD, "혈압");
  await sender.flush();
  assert.deepEqual([server.completed, server.taken.length], [[], 0]);
  await sender.flush({ isEarly: true });
  assert.deepEqual(server.completed, [{ threadId: THREAD, ...BLOB, parts: 2, after: 2 }]);
  assert.deepEqual(await new Outbox(member.database).announced(), []);
});

test("it is completed by the next page where the server did not answer, and once", async (t) => {
  const server = completingServer();
  const refuseWith = (status) => {
    server.refuse = () => {
      throw new WelnoError({ code: "REFUSED", status });
    };
  };
  refuseWith(0);
  const first = await makeSender(t, { server });
  await first.sender.send(THREAD, writeBlobMessage(BLOB_TOLD), { contentType: BLOB_TYPE });
  await first.sender.flush();
  assert.equal(first.told.acked.length, 1);
  refuseWith(401);
  await first.sender.flush();
  first.sender.close();
  server.refuse = () => {};
  const { sender } = await makeSender(t, { server, member: first.member });
  for (const _ of [1, 2]) await sender.flush({ isEarly: true });
  assert.deepEqual(server.completed.map(({ blobId }) => blobId), [BLOB.blobId]);
});

test("one that the server refuses to complete again is given up, and the next one is not", async (t) => {
  const server = completingServer((blobId) => {
    if (blobId === BLOB.blobId) throw new WelnoError({ code: "BLOB_NOT_FOUND", status: 404 });
  });
  const { sender } = await makeSender(t, { server });
  const other = "6c3f2a86-7a53-4c2e-9d55-0a4d7a1c9e11";
  for (const blobId of [BLOB.blobId, other]) await sender.send(THREAD, writeBlobMessage({ ...BLOB_TOLD, blobId }), { contentType: BLOB_TYPE });
  await sender.flush();
  assert.deepEqual([server.completed.map(({ blobId }) => blobId), await sender.outbox.announced()], [[other], []]);
});

const refusal = (status, code) => () => {
  throw new WelnoError({ code, status });
};
for (const [what, refused, changes] of [
  ["whose sender was removed meanwhile", [404, "THREAD_NOT_FOUND"], { role: null }],
  ["whose sender may only read meanwhile", [403, "FORBIDDEN"], { role: "reader" }],
  ["for which somebody else at this browser asked", [404, "BLOB_NOT_FOUND"], { asker: DOCTOR }],
])
  test(`a blob ${what} is completed once they are back`, async (t) => {
    const server = completingServer(refusal(...refused));
    Object.assign(server, changes);
    const { sender } = await makeSender(t, { server });
    await sender.send(THREAD, writeBlobMessage(BLOB_TOLD), { contentType: BLOB_TYPE });
    await sender.flush();
    assert.deepEqual((await sender.outbox.announced()).map(({ blobId }) => blobId), [BLOB.blobId]);
    Object.assign(server, { refuse: () => {}, asker: NURSE, role: "writer" });
    await sender.flush({ isEarly: true });
    assert.deepEqual([server.completed.map(({ blobId }) => blobId), await sender.outbox.announced()], [[BLOB.blobId], []]);
  });

test("whether its sender is still there is asked for again where the server does not answer that", async (t) => {
  const server = completingServer(refusal(404, "BLOB_NOT_FOUND"));
  const { threads } = server;
  server.threads = async () => Promise.reject(failure(503));
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { sender } = await makeSender(t, { server });
  await sender.send(THREAD, writeBlobMessage(BLOB_TOLD), { contentType: BLOB_TYPE });
  await sender.flush();
  assert.equal((await sender.outbox.announced()).length, 1);
  server.threads = threads;
  t.mock.timers.tick(30_000);
  t.mock.timers.reset();
  await until(async () => (await sender.outbox.announced()).length === 0);
});

test("a blob whose envelope the person discards is not completed again", async (t) => {
  const server = completingServer();
  server.answers = [{ refuse: ["THREAD_ROLE_TOO_SMALL"] }];
  const { sender } = await makeSender(t, { server });
  const id = await sender.send(THREAD, writeBlobMessage(BLOB_TOLD), { contentType: BLOB_TYPE });
  await sender.flush();
  await sender.discard(id);
  await sender.flush({ isEarly: true });
  assert.deepEqual([server.completed, await sender.outbox.announced()], [[], []]);
});
