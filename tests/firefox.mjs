/**
 * Drives Firefox for `tests/firefox.py`: a line of JSON is a call, `[method, tab, ...arguments]`, and is answered by one.
 *
 * An element is named by one of Puppeteer's selectors. The address on the command line is the only one that pages may ask.
 */

import { createInterface } from "node:readline";

import puppeteer from "puppeteer-core";

const [executablePath, own, preferences] = process.argv.slice(2);
const STARTS_MILLISECONDS = 60_000, PATIENCE_MILLISECONDS = 30_000, LOOKS_AGAIN_MILLISECONDS = 50;
const OVER_THE_NETWORK = ["http:", "https:", "ws:", "wss:"];
// A socket or stream that is refused or cut is told as an error; that is part of some tests.
const OF_THE_LINE = /^(Firefox can’t establish a connection to|The connection to) /;
const complaints = [];
const tabs = [];
const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath,
  timeout: STARTS_MILLISECONDS,
  extraPrefsFirefox: JSON.parse(preferences),
});

/** Each in a context of its own, and in a window: a tab behind another one counts as hidden. */
async function open(address) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage({ type: "window" });
  page.setDefaultTimeout(PATIENCE_MILLISECONDS);
  await page.setExtraHTTPHeaders({ "X-Forwarded-For": address });
  // What the policy forbids comes as an error of a script, too.
  page.on("pageerror", ({ message }) => OF_THE_LINE.test(message) || complaints.push(`script: ${message}`));
  page.on("console", (message) => message.type() === "error" && complaints.push(`console: ${message.text()}`));
  page.on("request", (request) => noteRequest(new URL(request.url())));
  return tabs.push(page) - 1;
}

function noteRequest(url) {
  if (OVER_THE_NETWORK.includes(url.protocol) && url.host !== own) complaints.push(`asked another host: ${url.host}`);
}

async function close(page) {
  await page.browserContext().close();
}

/** Until the element is to be seen, and this is part of its text. */
async function see(page, what, text) {
  const { isSo, found } = await until(page, what, (found) => found?.includes(text));
  if (!isSo) throw new Error(`it is not there, but ${JSON.stringify(found)}`);
}

/** Puppeteer's own wait for an element does not survive that its document is left meanwhile. */
async function shown(page, what) {
  await see(page, what, "");
  return page.locator(what);
}

/** Until no such element is to be seen. */
async function miss(page, what) {
  const { isSo, found } = await until(page, what, (found) => found === null);
  if (!isSo) throw new Error(`it is still there: ${JSON.stringify(found)}`);
}

async function until(page, what, isIt) {
  const deadline = performance.now() + PATIENCE_MILLISECONDS;
  let found;
  do {
    found = await textOf(page, what).catch(() => undefined); // its document has just gone
    if (found !== undefined && isIt(found)) return { isSo: true, found };
    await new Promise((resolve) => setTimeout(resolve, LOOKS_AGAIN_MILLISECONDS));
  } while (performance.now() < deadline);
  return { isSo: false, found };
}

/** Of the first that is visible; null where none is. */
async function textOf(page, what) {
  for (const element of await page.$$(what)) {
    if (await element.isVisible()) return await element.evaluate(({ innerText }) => innerText);
  }
  return null;
}

async function describe(page) {
  const text = await page?.evaluate(() => document.body.innerText).catch(() => "");
  return `${page?.url()} shows ${JSON.stringify(text)}`;
}

const methods = {
  open: (_, address) => open(address),
  close,
  goto: async (page, url) => void (await page.goto(url, { waitUntil: "domcontentloaded" })),
  reload: async (page) => void (await page.reload({ waitUntil: "domcontentloaded" })),
  see,
  miss,
  click: async (page, what) => (await shown(page, what)).click(),
  fill: async (page, what, text) => (await shown(page, what)).fill(text),
  press: (page, key) => page.keyboard.press(key),
  choose: async (page, what, value) => (await shown(page, what)).fill(value),
  upload: async (page, what, path) => (await page.waitForSelector(what)).uploadFile(path),
  evaluate: (page, script) => page.evaluate(script),
  complaints: () => complaints.splice(0),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [method, tab, ...rest] = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await methods[method](tabs[tab], ...rest)) ?? null };
  } catch (error) {
    answer = { error: `${method} ${rest}: ${error.message}. ${await describe(tabs[tab])}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
