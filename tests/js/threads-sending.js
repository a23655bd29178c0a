/** Members who can send, and a server whose answers a test gives, for tests of the outbox. */

import { ThreadsDatabase } from "../../webapp/static/sdk/threads/database.js";
import { ThreadSender } from "../../webapp/static/sdk/threads/sender.js";
import { kidName } from "../../webapp/static/sdk/threads/thread_keys.js";
import { makeMember, NURSE, Room, THREAD } from "./threads-setup.js";

const NONE = { level: "none", retryAfterMs: 0, maxBatch: 100 };

/** A server that accepts all, unless a test says what it answers; it remembers each envelope that it took. */
export class Server {
  taken = [];
  asked = 0;
  answers = [];
  signedIn = NURSE; // an error where nobody is
  me = async () => {
    if (this.signedIn instanceof Error) throw this.signedIn;
    return { memberId: this.signedIn, devices: [] };
  };
  pushBatch = async (envelopes) => {
    this.asked += 1;
    const answer = this.answers.shift() ?? {};
    if (answer instanceof Error) throw answer;
    const results = envelopes.map((one, at) => this.#judge(one, answer.refuse?.[at]));
    return { results, backpressure: answer.pressure ?? NONE };
  };
  #judge({ dedupeId, threadId, ...envelope }, code) {
    if (code) return { dedupeId, threadId, status: "rejected", code };
    const isKnown = this.taken.some((one) => one.dedupeId === dedupeId);
    if (!isKnown) this.taken.push({ dedupeId, threadId, ...envelope });
    return { dedupeId, threadId, status: isKnown ? "duplicate" : "accepted", seq: this.taken.length };
  }
}

/** A member who can send, with the sender's reports. */
export async function makeSender(t, options = {}) {
  const member = options.member ?? (await makeMember(NURSE));
  const room = new Room(member);
  if (!options.member) {
    await room.rotate();
    await member.database.write(["meta"], async ({ meta }) => void meta.put("k1", kidName(THREAD)));
  }
  const server = options.server ?? new Server();
  const told = { queued: [], acked: [], rejected: [], failed: [] };
  const database = new ThreadsDatabase(member.database.name, member.factory);
  const sender = new ThreadSender({
    client: server,
    crypto: member.crypto,
    database,
    onQueued: (row) => told.queued.push(row.dedupeId),
    onAcked: (row) => told.acked.push(row.dedupeId),
    onRejected: (row, code) => told.rejected.push(code),
    onFailed: (error) => told.failed.push(error.status ?? error.code),
    random: () => 0,
    ...options.traits,
  });
  t.after(() => sender.close());
  return { sender, server, told, member, room };
}
