/** A server of one thread that keeps devices, keysets and wraps as the real one does, for tests of several clients. */

import { failure } from "./browser.js";
import { tell, THREAD } from "./threads-setup.js";

const conflict = (code) => Object.assign(failure(409), { code });

export class ThreadServer {
  devices = [];
  members = new Map(); // role by memberId
  visibleFrom = new Map(); // by memberId, of who came without the history
  items = []; // of who came, and of their keys
  claims = []; // to lack generations, whatever is true
  epoch = "e";
  keysets = [];
  wraps = new Map(); // wrapped by `${kid} ${deviceId}`
  keyState = "missing";
  hides = () => false; // what this server, which may lie, does not ask of a keyset

  constructor(roles) {
    this.members = new Map(Object.entries(roles));
  }

  /** From a backup that has so many generations, or as if it were one. */
  restore(count, epoch) {
    for (const { kid } of this.keysets.splice(count))
      for (const name of this.wraps.keys()) if (name.startsWith(`${kid} `)) this.wraps.delete(name);
    this.epoch = epoch;
  }

  #active() {
    return this.devices.filter(({ state, memberId }) => state === "active" && this.members.has(memberId));
  }

  #lacking() {
    const kids = this.keysets.map(({ kid }) => kid);
    const lacking = this.#active().map(({ deviceId, memberId }) => ({
      deviceId,
      memberId,
      kids: kids.filter((kid) => !this.wraps.has(`${kid} ${deviceId}`)),
    }));
    return [...lacking.filter((one) => one.kids.length > 0), ...this.claims];
  }

  async #addKeyset(body) {
    const wanted = this.#active().map(({ deviceId }) => deviceId).filter((id) => !this.hides(id)).sort();
    if (body.kid !== `k${this.keysets.length + 1}`) throw conflict("KEY_CONFLICT");
    if (wanted.join() !== body.wraps.map(({ deviceId }) => deviceId).sort().join()) throw conflict("WRAPS_INCOMPLETE");
    this.keysets.push((await tell(body)).keyset);
    for (const { deviceId, wrapped } of body.wraps) this.wraps.set(`${body.kid} ${deviceId}`, wrapped);
    this.keyState = "ok";
    this.#tell("key", { kid: body.kid });
  }

  #tell(event, data) {
    this.items.push({ seq: this.items.length + 1, type: "system", event, data });
  }

  /** The calls of one member. */
  clientOf(memberId) {
    const find = (deviceId) => this.devices.find((one) => one.deviceId === deviceId && one.memberId === memberId);
    return {
      me: async () => ({ memberId, devices: this.devices.filter((one) => one.memberId === memberId) }),
      threads: async () => [{ threadId: THREAD, role: this.members.get(memberId), keyState: this.keyState }],
      status: async () => ({
        epoch: this.epoch,
        role: this.members.get(memberId),
        keyState: this.keyState,
        kid: this.keysets.at(-1)?.kid ?? null,
        members: [...this.members].map(([id, role]) => ({ memberId: id, role, visibleFrom: this.visibleFrom.get(id) ?? 1 })),
      }),
      devices: async () => this.devices,
      register: async (claim, { type = "browser", reset = false } = {}) => {
        const isFirst = !this.devices.some((one) => one.memberId === memberId);
        if (!find(claim.deviceId)) this.devices.push({ ...claim, type, state: isFirst || reset ? "active" : "pending" });
        else if (reset) find(claim.deviceId).state = "active";
        return { state: find(claim.deviceId).state };
      },
      approve: async (deviceId, approval) => Object.assign(find(deviceId), { state: "active", approval }),
      revoke: async (deviceId) => {
        find(deviceId).state = "revoked";
        if (this.keyState === "ok") this.keyState = "due";
      },
      keys: async (_, deviceId) => ({
        keys: this.keysets.map((one) => ({ ...one, wrapped: this.wraps.get(`${one.kid} ${deviceId}`) ?? null })),
        lacking: this.#lacking(),
      }),
      rotate: async (_, body) => this.#addKeyset(body),
      addWraps: async (_, kid, wraps) => {
        for (const { deviceId, wrapped } of wraps) {
          const name = `${kid} ${deviceId}`;
          if (!this.wraps.has(name) || find(deviceId)) this.wraps.set(name, wrapped);
        }
      },
      dropWrap: async (_, kid, deviceId) => void (find(deviceId) && this.wraps.delete(`${kid} ${deviceId}`)),
      range: async (_, { fromSeq, toSeq }) => ({ items: this.items.filter(({ seq }) => seq >= fromSeq && seq <= toSeq) }),
      addMember: async (_, { memberId: id, role, history, keyset }) => {
        this.members.set(id, role);
        this.#tell("member_added", { memberId: id, role });
        this.visibleFrom.set(id, history === "all" ? 1 : this.items.length);
        await this.#addWith(keyset, () => this.members.delete(id));
      },
      removeMember: async (_, id, keyset) => {
        const role = this.members.get(id);
        this.members.delete(id);
        await this.#addWith(keyset, () => this.members.set(id, role));
      },
    };
  }

  async #addWith(keyset, undo) {
    try {
      if (keyset) await this.#addKeyset(keyset);
    } catch (error) {
      undo();
      throw error;
    }
  }
}
