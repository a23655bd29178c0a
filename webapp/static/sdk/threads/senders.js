/**
 * What a thread's items say of who may write and of how far each device has come: pure.
 * @module
 */

const MOST_PENDING = 1_000;

/** By device: all numbers up to `contiguous` have come, and those of `pending` beyond it.
 * @typedef {{contiguous: number, pending: number[]}} Progress */
/** `barred`: members and devices that may not write any more; `isPartial`: its first items were not read here.
 * @typedef {{epoch: string, isPartial: boolean, barred: string[], progress: Record<string, Progress>}} Senders */
/** `gap`: numbers of its device that are missing before it. As they are signed, not even the server can hide one.
 * @typedef {{senders: Senders, isBarred: boolean, gap: {clientId: string, from: number, to: number}|null}} Noted */

/** @param {Senders|undefined} before of the items before it @param {any} item @returns {Noted} */
export function noteItem(before, item) {
  const isFirst = before?.epoch !== item.epoch;
  const senders = isFirst ? { epoch: item.epoch, isPartial: item.seq !== 1, barred: [], progress: {} } : /** @type {Senders} */ (before);
  return item.type === "system" ? noteSystem(senders, item) : noteMessage(senders, item);
}

/** @param {Senders} senders @param {any} item @returns {Noted} */
function noteSystem(senders, { event, data }) {
  const name = event === "device_revoked" ? data.deviceId : data.memberId;
  const mayWrite = data.role === "owner" || data.role === "writer";
  const isOut = event === "device_revoked" || event === "member_removed" || (data.role !== undefined && !mayWrite);
  const isIn = (event === "member_added" || event === "role_changed") && mayWrite;
  if (!isOut && !isIn) return { senders, isBarred: false, gap: null };
  const others = senders.barred.filter((one) => one !== name);
  return { senders: { ...senders, barred: isOut ? [...others, name] : others }, isBarred: false, gap: null };
}

/** @param {Senders} senders @param {any} item @returns {Noted} */
function noteMessage(senders, { from, envelope }) {
  const { clientId, clientSeq } = envelope;
  const isBarred = senders.barred.includes(from) || senders.barred.includes(clientId);
  const begun = senders.progress[clientId] ?? { contiguous: senders.isPartial ? clientSeq - 1 : 0, pending: [] };
  const progress = advance(begun, clientSeq);
  const isGap = clientSeq > progress.contiguous;
  const gap = isGap ? { clientId, from: progress.contiguous + 1, to: Math.min(...progress.pending) - 1 } : null;
  return { senders: { ...senders, progress: { ...senders.progress, [clientId]: progress } }, isBarred, gap };
}

/** @param {Progress} progress @param {number} clientSeq @returns {Progress} */
function advance({ contiguous, pending }, clientSeq) {
  const waiting = new Set([...pending, clientSeq]);
  let end = contiguous;
  while (waiting.delete(end + 1)) end += 1;
  const left = [...waiting].filter((number) => number > end).sort((one, other) => one - other);
  return { contiguous: end, pending: left.slice(0, MOST_PENDING) };
}
