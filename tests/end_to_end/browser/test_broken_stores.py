"""What a browser keeps may fail, in more ways than one, and so may its clock: the whole way goes on, in Chromium."""

import pytest
from playwright.sync_api import expect

from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.people import Phones

_THROW = "throw new DOMException('broken', 'SecurityError')"
_FULL = "throw new DOMException('full', 'QuotaExceededError')"


def _named(owner: str, name: str, body: str) -> str:
    """Whoever names it gets this."""
    return f"Object.defineProperty({owner}, '{name}', {{ configurable: true, get() {{ {body} }} }});"


def _called(owner: str, name: str, body: str) -> str:
    return f"{owner}.{name} = function (...given) {{ {body} }};"


def _of(store: str, name: str, body: str) -> str:
    """Of one of the two stores, which share their methods."""
    broken = f"if (this === {store}) {{ {body} }} return whole.apply(this, given);"
    return f"{{ const whole = Storage.prototype.{name}; {_called('Storage.prototype', name, broken)} }}"


_REQUEST = (
    "const request = new EventTarget(); Object.assign(request, { error: new DOMException('broken', 'UnknownError') });"
)
_FAIL_LATER = f"{_REQUEST} setTimeout(() => request.onerror?.(new Event('error'))); return request;"
# What lasts no longer than the page is told when a session begins; a copy that cannot be kept, at its end.
_NOT_LASTING = {
    "localStorage may not be named": _named("globalThis", "localStorage", _THROW),
    "localStorage is null": _named("globalThis", "localStorage", "return null;"),
    "localStorage cannot be written": _of("localStorage", "setItem", _THROW),
    "localStorage cannot be read": _of("localStorage", "getItem", _THROW),
    "localStorage is full": _of("localStorage", "setItem", _FULL),
}
_UNTOLD = {
    "localStorage forgets nothing": _of("localStorage", "removeItem", _THROW),
    "sessionStorage may not be named": _named("globalThis", "sessionStorage", _THROW),
    "sessionStorage is full": _of("sessionStorage", "setItem", _FULL),
    "there are no locks": _named("Navigator.prototype", "locks", "return undefined;"),
    "locks are forbidden": _called("LockManager.prototype", "request", f"return (async () => {{ {_THROW} }})();"),
    "there are no channels": "delete globalThis.BroadcastChannel;",
    "channels are forbidden": f"globalThis.BroadcastChannel = class {{ constructor() {{ {_THROW} }} }};",
}
_NO_COPY = {
    "there is no IndexedDB": _named("globalThis", "indexedDB", "return undefined;"),
    "IndexedDB may not be named": _named("globalThis", "indexedDB", _THROW),
    "a database cannot be opened": _called("IDBFactory.prototype", "open", _THROW),
    "opening a database fails": _called("IDBFactory.prototype", "open", _FAIL_LATER),
    "a database never opens, as behind a tab that blocks it": _called(
        "IDBFactory.prototype", "open", f"{_REQUEST} return request;"
    ),
    "databases are not listed": _called("IDBFactory.prototype", "databases", f"return (async () => {{ {_THROW} }})();")
    + _called("IDBFactory.prototype", "open", _THROW),
    "a transaction cannot begin": _called(
        "IDBDatabase.prototype", "transaction", "throw new DOMException('closing', 'InvalidStateError');"
    ),
    "a transaction is aborted": _called(
        "IDBObjectStore.prototype", "put", "this.transaction.abort(); return { readyState: 'pending' };"
    ),
    "the disk is full for a database": _called("IDBObjectStore.prototype", "put", _FULL),
    "there is no WebCrypto": _named("Crypto.prototype", "subtle", "return undefined;"),
}


def collect(visitor: Visitor, phones: Phones, *, told_at_first: str = "", told_at_last: str = "") -> None:
    """From the form to the records, once more after a reload, and out again."""
    page, person = visitor.page, phones.add_person(checkups=1, prescriptions=1)
    visitor.begin(person)
    if told_at_first:
        expect(page.get_by_text(told_at_first)).to_be_visible()
    phones.approve(person)
    visitor.expect_results()
    expect(visitor.offer).to_be_visible(timeout=30_000)
    if told_at_last:
        expect(page.get_by_text(told_at_last)).to_be_visible()
    visitor.put_password_off()
    page.reload()
    expect(page.locator("#visits-rows li").first).to_be_visible()
    page.get_by_role("button", name="로그아웃").click()
    expect(page.get_by_text("로그아웃했어요.")).to_be_visible()


@pytest.mark.parametrize("fault", _NOT_LASTING)
def test_without_a_lasting_store_a_tab_is_enough(visitor: Visitor, phones: Phones, fault: str) -> None:
    visitor.page.add_init_script(_NOT_LASTING[fault])
    collect(visitor, phones, told_at_first="이 브라우저에 저장할 수 없어요.")


@pytest.mark.parametrize("fault", _UNTOLD)
def test_what_only_helps_costs_nothing_where_it_fails(visitor: Visitor, phones: Phones, fault: str) -> None:
    visitor.page.add_init_script(_UNTOLD[fault])
    collect(visitor, phones)


@pytest.mark.parametrize("fault", _NO_COPY)
def test_without_a_copy_in_the_browser_the_records_are_shown(visitor: Visitor, phones: Phones, fault: str) -> None:
    visitor.page.add_init_script(_NO_COPY[fault])
    collect(visitor, phones, told_at_last="이 기기에는 기록을 보관하지 못했어요.")


@pytest.mark.parametrize("time", ["1970-01-01T00:05:00", "2031-05-01T10:00:00"])
def test_a_wrong_clock_of_the_device_is_no_obstacle(visitor: Visitor, phones: Phones, time: str) -> None:
    visitor.page.clock.install(time=time)
    collect(visitor, phones)
