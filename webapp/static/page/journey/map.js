/**
 * A floor's map, layer by layer: the first is enough to find the way, the others come when they are seen.
 * @module
 */

import { find, make, setText, show } from "../kit/dom.js";
import { floorText } from "./words.js";

export class FloorMap {
  #client;
  #floor = /** @type {any} */ (null);

  /** @param {import("../../sdk/journey/client.js").JourneyClient} client */
  constructor(client) {
    this.#client = client;
  }

  /** Without a map there is the room's name: that it cannot be had is nobody's trouble.
   * @param {any} floor null hides it */
  async showFloor(floor) {
    if (floor === this.#floor) return;
    this.#floor = floor ?? null;
    const place = find("map");
    show(place, false);
    if (this.#floor === null) return;
    const layers = await this.#client.mapLayers(floor).catch(() => []);
    if (this.#floor !== floor || layers.length === 0) return;
    setText(find("map-title"), `${floorText(floor)} 지도`);
    const images = layers.map((/** @type {any} */ { href, name }) =>
      make("img", {
        src: href,
        alt: name === "base" ? `${floorText(floor)} 지도` : "",
        loading: "lazy",
        decoding: "async",
      }),
    );
    find("map-layers").replaceChildren(...images);
    show(place);
  }
}
