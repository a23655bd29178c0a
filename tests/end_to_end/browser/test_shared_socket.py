"""One line for all tabs of a browser: who reads, who takes over, and over which transport."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Error

from tests.end_to_end.browser.line import Line
from tests.end_to_end.browser.readers import Author, Following
from tests.end_to_end.product import Product
from tests.waiting import wait_until

A_SECOND = 1.0
_EXPIRE = (
    "UPDATE welno.welno_collection_history SET expires_at = now() - interval '1 second', revision = revision + 1"
    " WHERE session_id = '{}'"
)


@pytest.fixture
def following(new_context: Callable[..., BrowserContext], product: Product) -> Following:
    context, visit = new_context(), product.meet().is_known_with().start()
    context.add_cookies([{"name": "welno_session", "value": visit.token, "url": product.web_url}])
    return Following(context, visit, product.web_url)


@pytest.fixture
def author(following: Following, product: Product) -> Author:
    return Author(product, following.visit)


def open_tabs(following: Following, count: int) -> None:
    for _ in range(count):
        following.open_tab().wait_for_state("live")


def seconds_until_taken_over(following: Following, author: Author) -> float:
    """Until another tab reads, and has been told what was appended since."""
    began = time.monotonic()
    author.append()
    end = author.end
    wait_until(lambda: any(reader.is_leading and reader.place == end for reader in following.readers), every=0.01)
    return time.monotonic() - began


def test_three_tabs_open_one_socket_and_are_all_told(following: Following, author: Author, product: Product):
    open_tabs(following, 3)
    author.append(5)
    for reader in following.readers:
        reader.wait_for([1, 2, 3, 4, 5])
    assert sum(len(reader.sockets) for reader in following.readers) == 1
    assert "welno_relay_sockets 1.0" in product.get("/metrics").text


def test_a_closed_leader_hands_over_within_a_second(following: Following, author: Author):
    open_tabs(following, 3)
    author.append(3)
    for reader in following.readers:
        reader.wait_for([1, 2, 3])
    following.close_tab(following.leader)
    assert seconds_until_taken_over(following, author) < A_SECOND
    for reader in following.readers:
        reader.wait_for([1, 2, 3, 4])
    assert following.open_sockets == 1


def test_a_leader_that_dies_hands_over_within_a_second(following: Following, author: Author):
    open_tabs(following, 2)
    author.append(3)
    leader = following.leader
    following.readers.remove(leader)
    with pytest.raises(Error):  # its process is gone before it could answer
        leader.page.goto("chrome://crash")
    assert seconds_until_taken_over(following, author) < A_SECOND
    following.leader.wait_for([1, 2, 3, 4])


def test_a_leader_about_to_be_frozen_hands_over_and_is_told_all_afterwards(following: Following, author: Author):
    """Told by the event alone: a headless Chromium shows every page, and freezes none that is shown."""
    open_tabs(following, 2)
    frozen = following.leader
    following.readers.remove(frozen)
    frozen.page.evaluate("document.dispatchEvent(new Event('freeze'))")
    assert seconds_until_taken_over(following, author) < A_SECOND
    assert frozen.seen == []
    frozen.page.evaluate("document.dispatchEvent(new Event('resume'))")
    author.append()
    for reader in (frozen, following.leader):
        reader.wait_for([1, 2])
    assert not frozen.is_leading


def test_a_leader_that_hangs_is_relieved(following: Following, author: Author):
    open_tabs(following, 2)
    hanging = following.leader
    following.readers.remove(hanging)
    hanging.page.evaluate("void setTimeout(() => { const end = Date.now() + 9000; while (Date.now() < end); })")
    assert seconds_until_taken_over(following, author) < 8
    wait_until(lambda: not hanging.is_leading)
    author.append()
    for reader in (hanging, following.leader):
        reader.wait_for([1, 2])


def test_a_tab_that_goes_to_another_page_hands_over_within_a_second(following: Following, author: Author):
    open_tabs(following, 2)
    leader = following.leader
    following.readers.remove(leader)
    leader.page.goto(f"{following.url}/results-trend")
    assert seconds_until_taken_over(following, author) < A_SECOND


def test_where_sockets_are_not_let_through_events_are_streamed(following: Following, author: Author, line: Line):
    line.cut_sockets()
    reader = following.open_tab()
    reader.wait_for_state("streaming")
    author.append(3)
    reader.wait_for([1, 2, 3], timeout=2)
    line.restore()
    reader.wait_for_state("live", timeout=30)
    author.append()
    reader.wait_for([1, 2, 3, 4])


def test_where_neither_comes_through_events_are_polled(following: Following, author: Author, line: Line):
    line.cut_sockets()
    following.context.route("**/events?*", lambda route: route.abort())
    reader = following.open_tab()
    reader.wait_for_state("polling")
    author.append(3)
    reader.wait_for([1, 2, 3])
    following.context.unroute("**/events?*")
    reader.wait_for_state("streaming", timeout=30)


def test_every_tab_is_told_that_the_session_has_expired(following: Following, product: Product):
    open_tabs(following, 2)
    product.execute(_EXPIRE.format(following.visit.session_id))
    for reader in following.readers:
        wait_until(lambda reader=reader: reader.states[-1].startswith("closed: "), 20)
        assert reader.states[-1] in {"closed: expired", "closed: gone"}
