/** A document for the pages' modules under Node: elements by id, made as they are asked for, and what tests do to them. */

class FakeElement extends EventTarget {
  #attributes = new Map();
  #nodes = [];
  hidden = false;
  open = false;
  value = "";
  checked = false;
  dataset = {};
  classList = { toggle: () => {} };

  constructor(tag) {
    super();
    this.tagName = tag.toUpperCase();
  }
  get textContent() {
    return this.#nodes.map((node) => node.textContent ?? node).join("");
  }
  set textContent(text) {
    this.#nodes = [text];
  }
  get childElementCount() {
    return this.children.length;
  }
  get firstElementChild() {
    return this.children[0] ?? null;
  }
  get children() {
    return this.#nodes.filter((node) => node instanceof FakeElement);
  }
  append(...nodes) {
    for (const node of nodes) if (node instanceof FakeElement) node.parent = this;
    this.#nodes.push(...nodes);
  }
  replaceChildren(...nodes) {
    this.#nodes = [];
    this.append(...nodes);
  }
  remove() {
    this.parent?.replaceChildren(...this.parent.#nodes.filter((node) => node !== this));
  }
  setAttribute = (name, value) => void this.#attributes.set(name, value);
  getAttribute = (name) => this.#attributes.get(name) ?? null;
  removeAttribute = (name) => void this.#attributes.delete(name);
  hasAttribute = (name) => this.#attributes.has(name);
  focus() {}
  scrollIntoView() {}
  contains(element) {
    return this.all((one) => one === element).length > 0;
  }
  showModal() {
    this.open = true;
  }
  close(value) {
    Object.assign(this, { open: false, returnValue: value });
    this.dispatchEvent(new Event("close"));
  }
  click() {
    this.dispatchEvent(new Event("click"));
  }
  /** Below it, in order. @param {(element: FakeElement) => boolean} fits */
  all(fits) {
    return this.children.flatMap((element) => [...(fits(element) ? [element] : []), ...element.all(fits)]);
  }
  /** @param {string} label its text, or what it is called by */
  button(label) {
    const fits = (one) => one.tagName === "BUTTON" && (one.getAttribute("aria-label") ?? one.textContent) === label;
    const [found] = this.all(fits);
    if (!found) throw new Error(`no button ${label}`);
    return found;
  }
}

/** An empty page in the place of the global one. @returns {(id: string) => any} finds by id */
export function openDocument() {
  const elements = new Map();
  const getElementById = (id) => {
    if (!elements.has(id)) elements.set(id, new FakeElement("div"));
    return elements.get(id);
  };
  const createElement = (tag) => new FakeElement(tag);
  globalThis.document = { getElementById, createElement, createElementNS: (_, tag) => createElement(tag) };
  return getElementById;
}

/** What the dialog that asks is answered. @param {(id: string) => any} find @param {"yes"|""} answer */
export const answerDialog = (find, answer) => find("confirm").close(answer);
