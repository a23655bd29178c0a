"""What the threads' service worker keeps of the page for a time without a network."""

import re

from playwright.sync_api import Page, expect

from tests.end_to_end.browser.test_threads import SOON, Arrive, arrive, new_login
from tests.waiting import wait_until

__all__ = ["arrive", "new_login"]
OLD = ["/static/0123456789abcdef/page/threads/page.js", "/static/vendor/0123456789abcdef/qr.js"]
KEEP = """async (addresses) => {
  const cache = await caches.open("welno-threads-shell-v1");
  const gone = () => new Response("throw new Error('of a version that is gone')");
  await Promise.all(addresses.map((address) => cache.put(address, gone())));
}"""
KEPT = """async () => {
  const cache = await caches.open("welno-threads-shell-v1");
  return (await cache.keys()).map(({ url }) => new URL(url).pathname);
}"""
LEAVE = """async () => {
  const [one] = await navigator.serviceWorker.getRegistrations();
  await one.unregister();
}"""


def kept(page: Page) -> list[str]:
    return [str(path) for path in page.evaluate(KEPT)]


def test_the_files_of_a_version_that_is_gone_are_forgotten(arrive: Arrive) -> None:
    page = arrive().page
    wait_until(lambda: "/threads" in kept(page))
    page.evaluate(KEEP, OLD)
    page.evaluate(LEAVE)
    page.reload()
    wait_until(lambda: not set(OLD) & set(kept(page)))
    wait_until(lambda: [path for path in kept(page) if re.match("/static/[0-9a-f]{16}/page/threads/page.js", path)])
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")  # its files are kept before it is active
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", name="대화방", exact=True)).to_be_visible(timeout=SOON)
    page.context.set_offline(False)
