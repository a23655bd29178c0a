/**
 * What a thread's items say of who may write and of how far each device has come: pure.
 * @module
 */

const MOST_PENDING = 1_000;

/** By device: all numbers up to `contiguous` have come, and those of `pending` beyond it.
 * @typedef {{contiguous: number, pending: number[]}} Progress */
/** `barred`: members and devices that may not write any more; `isPartial`: its first items were not read here.
 * @typedef {{epoch: string, isPartial: boolean, barred: string[], progress: Record<string, Progress>}} Senders */
/** @typedef {{senders: Senders, isBarred: boolean}} Noted */
/** Numbers of a device that are missing. As they are signed, not even the server can hide one.
 * @typedef {{clientId: string, from: number, to: number}} SenderGap */

/** Who may write after it, as the server tells. @param {Senders|undefined} before of the items before it @param {any} item
 * @param {{isFirstVisible?: boolean}} [how] `isFirstVisible`: who was removed or wrote between them and it is not known
 * @returns {Noted} */
export function noteItem(before, item, { isFirstVisible = false } = {}) {
  const isFirst = isFirstVisible || before?.epoch !== item.epoch;
  /** @type {Senders} */
  const senders = isFirst ? { epoch: item.epoch, isPartial: item.seq !== 1, barred: [], progress: {} } : /** @type {Senders} */ (before);
  if (item.type === "system") return noteSystem(senders, item);
  return { senders, isBarred: senders.barred.includes(item.from) || senders.barred.includes(item.envelope.clientId) };
}

/** How far its device has come, of an envelope whose signature was found right: before that its number is the server's
 * word. @param {Senders} senders @param {import("./texts.js").Envelope} envelope
 * @returns {{senders: Senders, gap: SenderGap|null}} no gap, where it was noted before */
export function noteSigned(senders, { clientId, clientSeq }) {
  const begun = senders.progress[clientId] ?? { contiguous: senders.isPartial ? clientSeq - 1 : 0, pending: [] };
  if (clientSeq <= begun.contiguous || begun.pending.includes(clientSeq)) return { senders: withProgress(senders, clientId, begun), gap: null };
  const progress = advance(begun, clientSeq);
  const isGap = clientSeq > progress.contiguous;
  const gap = isGap ? { clientId, from: progress.contiguous + 1, to: Math.min(...progress.pending) - 1 } : null;
  return { senders: withProgress(senders, clientId, progress), gap };
}

/** @param {Senders} senders @param {any} item @returns {Noted} */
function noteSystem(senders, { event, data }) {
  const name = event === "device_revoked" ? data.deviceId : data.memberId;
  const mayWrite = data.role === "owner" || data.role === "writer";
  const isOut = event === "device_revoked" || event === "member_removed" || (data.role !== undefined && !mayWrite);
  const isIn = (event === "member_added" || event === "role_changed") && mayWrite;
  if (!isOut && !isIn) return { senders, isBarred: false };
  const others = senders.barred.filter((one) => one !== name);
  return { senders: { ...senders, barred: isOut ? [...others, name] : others }, isBarred: false };
}

/** @param {Senders} senders @param {string} clientId @param {Progress} progress @returns {Senders} */
function withProgress(senders, clientId, progress) {
  return { ...senders, progress: { ...senders.progress, [clientId]: progress } };
}

/** @param {Progress} progress @param {number} clientSeq @returns {Progress} */
function advance({ contiguous, pending }, clientSeq) {
  const waiting = new Set([...pending, clientSeq]);
  let end = contiguous;
  while (waiting.delete(end + 1)) end += 1;
  const left = [...waiting].filter((number) => number > end).sort((one, other) => one - other);
  return { contiguous: end, pending: left.slice(0, MOST_PENDING) };
}
