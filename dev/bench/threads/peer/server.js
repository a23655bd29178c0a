// Envelopes through Node, ws and ioredis, as one would write it first: `node server.js PORT`, with REDIS_URL.
// Redis numbers and keeps them: whoever is not in its last snapshot or log when it dies is lost. It knows no members,
// keys, signatures, duplicates or audit.
import { createServer } from "node:http";
import Redis from "ioredis";
import { WebSocketServer } from "ws";

const KEPT = 500;
const store = new Redis(process.env.REDIS_URL);
const subscription = new Redis(process.env.REDIS_URL);
const followers = new Map();

// In one step, so that what is published is in the order of its numbers.
store.defineCommand("take", {
  numberOfKeys: 2,
  lua: `
    local seqs = {}
    for place, envelope in ipairs(ARGV) do
      local seq = redis.call('incr', KEYS[1])
      local frame = '{"type":"event","seq":' .. seq .. ',"envelope":' .. envelope .. '}'
      redis.call('xadd', KEYS[2], 'maxlen', '${KEPT}', seq .. '-0', 'event', frame)
      redis.call('publish', KEYS[2], frame)
      seqs[place] = seq
    end
    return seqs`,
});

async function take(envelopes) {
  const threads = new Map();
  for (const one of envelopes) threads.set(one.threadId, [...(threads.get(one.threadId) ?? []), one]);
  const taken = await Promise.all(
    [...threads].map(([id, some]) =>
      store.take(`bench:seq:${id}`, `bench:thread:${id}`, ...some.map((one) => JSON.stringify(one))),
    ),
  );
  return taken.flat().map((seq) => ({ status: "accepted", seq }));
}

async function readBody(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return JSON.parse(Buffer.concat(pieces));
}

const server = createServer(async (request, response) => {
  if (request.method !== "POST") {
    response.end("{}");
    return;
  }
  try {
    const results = await take((await readBody(request)).envelopes);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ results }));
  } catch (error) {
    response.statusCode = 500;
    response.end(JSON.stringify({ error: String(error) }));
  }
});

subscription.on("message", (channel, text) => {
  for (const socket of followers.get(channel) ?? []) socket.send(text);
});

async function follow(socket, threadId) {
  const channel = `bench:thread:${threadId}`;
  const all = followers.get(channel) ?? new Set();
  followers.set(channel, all.add(socket));
  await subscription.subscribe(channel);
  socket.on("close", () => all.delete(socket));
  socket.send(JSON.stringify({ type: "subscribed", threadId }));
}

const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (data) => {
    const frame = JSON.parse(data);
    if (frame.type === "subscribe") for (const one of frame.threads) follow(socket, one.threadId);
  });
});

server.listen({ port: Number(process.argv[2]), host: "127.0.0.1" });
