"""Cuts of the network, tabs that come and go, a restart, an emptied Redis: each tab is told everything."""

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import BrowserContext

from tests.end_to_end.browser.line import Line
from tests.end_to_end.browser.readers import Author, Following, Reader, check_order
from tests.end_to_end.product import Product
from tests.waiting import wait_until

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.timeout(240), pytest.mark.repeated]
CUTS, ALL_CUTS, SEED = 40, 200, 42
LONGEST_CUT_SECONDS, LONGEST_PEACE_SECONDS = 0.12, 0.2
MOST_TABS = 4
RESTART_AT, EMPTIED_AT = 0.3, 0.7  # of the cuts
TABS_CHANGE_EVERY = 12


@dataclass
class Storm:
    """What happens to the tabs, thrown by seeded dice."""

    following: Following
    line: Line
    product: Product
    dice: random.Random
    cuts: int
    states: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    resyncs_before_emptied: int = 0
    judged: int = 0

    def rage(self) -> None:
        for number in range(1, self.cuts + 1):
            self._cut()
            if number % TABS_CHANGE_EVERY == 0:
                self._change_tabs()
            if number == round(self.cuts * RESTART_AT):
                self.product.stack.restart("web")
                self.product.stack.wait_ready()
            if number == round(self.cuts * EMPTIED_AT):
                self.resyncs_before_emptied = sum(_resyncs(reader) for reader in self.following.readers)
                self.product.redis.flushall()

    def judge(self, reader: Reader) -> None:
        check_order(reader.log)
        self.states.update(reader.states)
        self.told.update(kind for kind, _, _ in reader.log)
        self.judged += 1

    def _cut(self) -> None:
        self.dice.choice((self.line.cut, self.line.cut_sockets, self.line.hold, self.line.drop))()
        self._let_pass(LONGEST_CUT_SECONDS)
        self.line.drop()  # what was held back is lost, as when a phone changes from one network to another
        self.line.restore()
        if self.dice.random() < 0.5:
            for reader in self.following.readers:
                reader.hears_that_the_network_is_back()
        self._let_pass(LONGEST_PEACE_SECONDS)

    def _let_pass(self, longest_seconds: float) -> None:
        threading.Event().wait(self.dice.uniform(0, longest_seconds))

    def _change_tabs(self) -> None:
        readers = self.following.readers
        if len(readers) < 2 or (len(readers) < MOST_TABS and self.dice.random() < 0.5):
            self.following.open_tab()
        else:
            gone = self.dice.choice(readers)
            self.judge(gone)
            self.following.close_tab(gone)


def _resyncs(reader: Reader) -> int:
    return sum(kind == "resync" for kind, _, _ in reader.log)


def test_each_tab_is_told_each_event_once_and_in_order(
    new_context: Callable[..., BrowserContext], product: Product, line: Line, is_full: bool
):
    """Forty cuts here, two hundred with --full."""
    visit, context = product.meet().is_known_with().start(), new_context()
    context.add_cookies([{"name": "welno_session", "value": visit.token, "url": product.web_url}])
    following, dice = Following(context, visit, product.web_url), random.Random(SEED)
    for _ in range(2):
        following.open_tab().wait_for_state("live")
    storm = Storm(following, line, product, dice, cuts=ALL_CUTS if is_full else CUTS)
    author = Author(product, visit, random.Random(SEED + 1))
    with author:
        storm.rage()
    for reader in following.readers:
        reader.hears_that_the_network_is_back()
    wait_until(lambda: all(reader.place == author.end for reader in following.readers), 60)
    for reader in following.readers:
        storm.judge(reader)
    assert storm.resyncs_before_emptied == 0
    assert {"live", "streaming", "polling", "offline"} <= set(storm.states)
    wait_until(lambda: following.open_sockets == 1 and all(reader.state == "live" for reader in following.readers), 60)
    assert storm.judged >= storm.cuts / TABS_CHANGE_EVERY / 3
    log.info("%d tabs; told %s; states %s", storm.judged, dict(storm.told), dict(storm.states))
