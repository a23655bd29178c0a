/**
 * The end of a person's time at this browser: of their session, and of everything that the SDK keeps of them in any tab.
 * @module
 */

import { openChannel } from "../core/tabs.js";
import { WelnoClient } from "./client.js";
import { HealthDatabase } from "./database.js";
import { WelnoStorage } from "./storage.js";

const CHANNEL = "welno:sign-out";
const NOBODY = new Set([401, 404]);

/** One for each page that shows something of a person. */
export class SignOut {
  #client;
  #storage;
  #database;
  #stop;
  #channel;

  /**
   * @param {{client?: WelnoClient, storage?: WelnoStorage, database?: HealthDatabase, stop?: () => void,
   *   onElsewhere?: () => void}} [options] `stop`, before anything is forgotten: whatever follows a session would keep
   *   something anew; `onElsewhere`: somebody signed out in another tab, and this one has nothing left but what it shows
   */
  constructor({
    storage = new WelnoStorage(),
    client = new WelnoClient({ storage }),
    database = new HealthDatabase({ client }),
    stop = () => {},
    onElsewhere = () => {},
  } = {}) {
    this.#client = client;
    this.#storage = storage;
    this.#database = database;
    this.#stop = stop;
    this.#channel = openChannel(CHANNEL);
    this.#channel?.addEventListener("message", async () => {
      await this.#forgetHere();
      onElsewhere();
    });
  }

  /**
   * On the server and here. What is kept here goes in any case; it rejects with a WelnoError when the server did not
   * answer: then the session still lives, and this has to be called again.
   */
  async run() {
    const ended = this.#client.signOut();
    ended.catch(() => {}); // awaited below
    await this.forget();
    try {
      await ended;
    } catch (/** @type {any} */ error) {
      if (!NOBODY.has(error.status)) throw error;
    }
  }

  /** Here, and in every other tab; the session goes on. It waits for no store that does not answer. */
  async forget() {
    this.#channel?.postMessage("forget");
    await this.#forgetHere();
  }

  /** Watches no more. */
  close() {
    this.#channel?.close();
  }

  async #forgetHere() {
    this.#stop();
    this.#client.useToken(null);
    this.#storage.forgetPerson();
    await this.#database.forgetEverything().catch(() => {}); // what lies there is sealed, and its key is gone
  }
}
