// Node's ws with one ioredis subscription for all sockets: `node server.js PORT`, with BENCH_REDIS_URL.
import { createServer } from "node:http";
import Redis from "ioredis";
import { WebSocketServer } from "ws";

const PING_EVERY_MS = 25_000;
const store = new Redis(process.env.BENCH_REDIS_URL);
const subscription = new Redis(process.env.BENCH_REDIS_URL);
const followers = new Map();
const wss = new WebSocketServer({ noServer: true });

const seqOf = (text) => Number(text.slice(7, text.indexOf(",")));

async function join(stream, socket) {
  let all = followers.get(stream);
  if (!all) {
    all = { sockets: new Set(), subscribed: subscription.subscribe(stream) };
    followers.set(stream, all);
  }
  all.sockets.add(socket);
  await all.subscribed;
}

function leave(stream, socket) {
  const all = followers.get(stream);
  all?.sockets.delete(socket);
  if (all?.sockets.size === 0) {
    followers.delete(stream);
    subscription.unsubscribe(stream);
  }
}

subscription.on("message", (stream, text) => {
  for (const socket of followers.get(stream)?.sockets ?? []) {
    if (socket.waiting) socket.waiting.push(text);
    else socket.send(text);
  }
});

// Live events wait until the history has been sent.
async function follow(socket, stream, after) {
  socket.isAlive = true;
  socket.waiting = [];
  socket.on("pong", () => { socket.isAlive = true; });
  socket.on("close", () => leave(stream, socket));
  socket.on("error", () => socket.terminate());
  await join(stream, socket);
  socket.send('{"type":"hello"}');
  let seq = after;
  for (const [id, fields] of await store.xrange(`bench:log:${stream}`, `(${after}-0`, "+")) {
    seq = Number(id.split("-")[0]);
    socket.send(fields[1]);
  }
  for (const text of socket.waiting) if (seqOf(text) > seq) socket.send(text);
  socket.waiting = null;
}

const server = createServer();
server.on("upgrade", async (request, bare, head) => {
  const url = new URL(request.url, "http://localhost");
  const stream = url.pathname.split("/").pop();
  const token = await store.get(`bench:token:${stream}`);
  if (request.headers.authorization !== `Bearer ${token}`) {
    bare.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
    return;
  }
  wss.handleUpgrade(request, bare, head, (socket) => follow(socket, stream, Number(url.searchParams.get("after") ?? 0)));
});

setInterval(() => {
  for (const socket of wss.clients) {
    if (!socket.isAlive) {
      socket.terminate();
      continue;
    }
    socket.isAlive = false;
    socket.ping();
  }
}, PING_EVERY_MS);

server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 2048 });
