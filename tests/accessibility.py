"""What a page's state is asked, by axe and beside it, and the table of all states that `make accessibility` writes.

`--accessibility-table FILE` writes what the tests of this run have examined.
"""

from collections.abc import Container
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Page
from werkzeug.exceptions import HTTPException

from dev.local.programs import ROOT
from webapp import interviews_pages, journey_pages, pages, shl_pages, threads_pages

_QUESTIONS = Path(__file__).with_name("accessibility.js").read_text()
_AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# How a page may be looked at, as Playwright sets it. In all but the first nothing differs from it but the colours.
LOOKS: dict[str, dict[str, str]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "high contrast": {"contrast": "more"},
    "forced colors": {"forced_colors": "active"},
}
_GRAVE = {"serious", "critical"}
# A fade that is under way has colours of its own: axe is asked once nothing moves that ends. Level AAA asks for 7:1.
_RUN_AXE = """async ({ onlyColours, isEnhanced }) => {
    const ending = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
    await Promise.all(ending.map((moving) => moving.finished.catch(() => {})));
    const rules = { "color-contrast-enhanced": { enabled: isEnhanced } };
    const runOnly = onlyColours ? { runOnly: { type: "tag", values: ["cat.color"] } } : {};
    const { violations } = await axe.run(document, { rules, ...runOnly, resultTypes: ["violations"] });
    return violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html }) => html) }));
}"""
SPOILT = "spoilt"  # by a test, to see whether it is found
_TABS_AT_ONCE, _MOST_TABS = 20, 400
_HEAD = """# Accessibility

What `make accessibility` found: each page in each of its states, in a real Chromium. The states are those of the tests
that examine them, and `make test` and `make test-slow` fail where a figure that should be 0 is not.

| column | |
| --- | --- |
| axe | violations that axe-core finds; of the journey and the interviews serious and critical ones |
| stops | elements that Tab reaches, until it comes round |
| order | of them, those that come before the one that stands before them |
| unseen | of them, those that are invisible or show no focus |
| live | regions that are read out when they change: at leisure + at once |
| forced colours | with the system's colours forced: controls without an edge, or in the colour of their ground |
| motion | animations that still run when the system asks for none |
| 200 % | with twice the text: scrolls sideways, or cuts text off |

"""
_COLUMNS = ("page", "state", "axe", "stops", "order", "unseen", "live", "forced colours", "motion", "200 %")


@dataclass(frozen=True)
class Examined:
    """One state of one page."""

    axe: list[str]
    stops: int
    order: list[str]
    unseen: list[str]
    live: str
    forced_colours: list[str]
    motion: list[str]
    large_text: list[str]

    @property
    def faults(self) -> list[str]:
        lists = {name: getattr(self, name) for name in ("order", "unseen", "forced_colours", "motion", "large_text")}
        return [*self.axe, *(f"{name}: {what}" for name, found in lists.items() for what in found)]


_examined: dict[tuple[str, str], Examined] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accessibility-table", metavar="FILE", help="write what this run has examined as a table")


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--accessibility-table")
    if path:
        Path(path).write_text(render(_examined), encoding="utf-8")


def ask_axe(
    page: Page, *, look: str = "light", is_enhanced: bool = False, impacts: Container[str] | None = None
) -> list[str]:
    """Its findings, with the beginnings of their elements: of these impacts, if given, and all of enhanced contrast."""
    page.evaluate(_AXE.read_text())
    options = {"onlyColours": look != "light", "isEnhanced": is_enhanced and look != "forced colors"}
    return [
        f"{found['id']}: {' | '.join(html[:120] for html in found['nodes'])}"
        for found in page.evaluate(_RUN_AXE, options)
        if impacts is None or found["impact"] in impacts or found["id"] == "color-contrast-enhanced"
    ]


def examine_look(page: Page, state: str, look: str, *, is_enhanced: bool = False) -> list[str]:
    """What axe finds that is grave; in the first look what else is examined, too."""
    axe = ask_axe(page, look=look, is_enhanced=is_enhanced, impacts=_GRAVE)
    return examine(page, state, axe) if look == "light" else axe


def examine(page: Page, state: str, axe: list[str]) -> list[str]:
    """Everything that is wrong with this state; `axe` are its findings. Focus, colours and sizes are as before."""
    focus = _walk_by_keyboard(page)
    live = _ask(page, "liveRegions")
    examined = Examined(
        axe=axe,
        stops=focus["stops"],
        order=focus["disordered"],
        unseen=focus["unseen"],
        live=f"{live['polite']} + {live['assertive']}",
        forced_colours=_with_forced_colours(page),
        motion=_with_reduced_motion(page),
        large_text=_ask(page, "largeTextFindings"),
    )
    if state != SPOILT:
        _examined[page_of(page.url), state] = examined
    return examined.faults


def page_of(url: str) -> str:
    """The route of its page, such as `/hall/<hall_id>`."""
    try:
        rule, _ = _routes().match(urlsplit(url).path, return_rule=True)
    except HTTPException:
        return "any other address"
    return str(rule.rule)


def page_rules() -> set[str]:
    """The routes of all pages that a person sees."""
    rules = [rule for rule in _app().url_map.iter_rules() if "GET" in (rule.methods or ())]
    return {rule.rule for rule in rules if not rule.endpoint.endswith(("static", "vendor", "worker"))}


def render(examined: dict[tuple[str, str], Examined]) -> str:
    rows = [
        (f"`{page}`" if page.startswith("/") else page, state, *_figures(found))
        for (page, state), found in sorted(examined.items(), key=lambda one: one[0][0])
    ]
    lines = [_COLUMNS, ("---",) * len(_COLUMNS), *rows]
    return _HEAD + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _figures(found: Examined) -> tuple[str, ...]:
    counted = (found.axe, found.order, found.unseen, found.forced_colours, found.motion, found.large_text)
    axe, order, unseen, forced, motion, large = (str(len(one)) for one in counted)
    return axe, str(found.stops), order, unseen, found.live, forced, motion, large


def _walk_by_keyboard(page: Page) -> dict[str, object]:
    _ask(page, "watchFocus")
    for _ in range(_MOST_TABS // _TABS_AT_ONCE):
        for _ in range(_TABS_AT_ONCE):
            page.keyboard.press("Tab")
        if _ask(page, "isRound"):
            break
    found: dict[str, object] = _ask(page, "focusFindings")
    return found


def _with_forced_colours(page: Page) -> list[str]:
    was = page.evaluate("matchMedia('(forced-colors: active)').matches")
    page.emulate_media(forced_colors="active")
    found: list[str] = _ask(page, "unseenControls")
    page.emulate_media(forced_colors="active" if was else "none")
    return found


def _with_reduced_motion(page: Page) -> list[str]:
    was = page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    page.emulate_media(reduced_motion="reduce")
    found: list[str] = _ask(page, "motions")
    page.emulate_media(reduced_motion="reduce" if was else "no-preference")
    return found


def _ask(page: Page, question: str) -> object:
    return page.evaluate(f"({_QUESTIONS}).{question}()")


@cache
def _app() -> Flask:
    app = Flask("webapp", root_path=str(ROOT / "webapp"))
    for room in (pages, journey_pages, interviews_pages, threads_pages, shl_pages):
        app.register_blueprint(room.blueprint)
    app.register_blueprint(threads_pages.scripts)
    return app


@cache
def _routes() -> object:
    return _app().url_map.bind("127.0.0.1")
