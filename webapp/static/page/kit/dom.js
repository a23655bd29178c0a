/**
 * Finds, makes and changes elements. Text only: nothing is ever parsed as HTML.
 * @module
 */

/** @param {string} id @returns {any} the element, which the template promises */
export function find(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** By a page that listens: takes away the notice that it does not start, which would be seen some seconds later. */
export function tellStarted() {
  document.getElementById("not-started")?.remove();
}

/** @param {HTMLElement} element @param {boolean} visible */
export function show(element, visible = true) {
  element.hidden = !visible;
}

/** @param {HTMLElement} element @param {string} text empty hides it */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

/**
 * @param {string} tag @param {Record<string, any>} [properties] `class`, attributes with a dash, or DOM properties
 * @param {...(Node|string|null)} children
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name.includes("-") || name === "role" || name === "scope") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * Keeps a button from a second press while its work runs, and from any while it rests (rest.js).
 * @param {HTMLButtonElement} button @param {() => Promise<void>} work
 */
export async function whileBusy(button, work) {
  if (["aria-busy", "aria-disabled"].some((name) => button.getAttribute(name) === "true")) return;
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-busy");
  }
}
