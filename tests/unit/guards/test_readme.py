"""README.md shows and names what there is: pictures, files, commands, pages."""

import importlib.util
import re

import pytest

from tests.accessibility import page_rules

from .source import ROOT

PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
LINKS = sorted({*re.findall(r"\]\(([^)#:]+)\)", PAGE), *re.findall(r'src="([^"]+)"', PAGE)})
MODULES = sorted(set(re.findall(r"python -m ([\w.]+)", PAGE)))
TARGETS = sorted(set(re.findall(r"\bmake ([a-z-]+)", PAGE)))
DOMAINS = ("collection", "journey", "interviews", "threads")


@pytest.mark.parametrize("link", LINKS)
def test_what_it_links_to_is_there(link: str):
    assert (ROOT / link).exists()


def test_it_has_a_picture_of_each_domain():
    assert {f"docs/images/{domain}.png" for domain in DOMAINS} <= set(LINKS)
    assert {path.name for path in (ROOT / "docs" / "images").iterdir()} == {f"{domain}.png" for domain in DOMAINS}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_it_names_can_be_run(module: str):
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.submodule_search_locations is None or importlib.util.find_spec(f"{module}.__main__") is not None


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_that_it_names_is_one(target: str):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_pages_that_it_names_are_there():
    table = PAGE[PAGE.index("| page | who |") : PAGE.index("The password of all")]
    named = {path.partition("#")[0] for path in re.findall(r"`(/[\w/#=.-]*)`", table)}
    patterns = [re.compile(re.sub(r"<[^>]+>", r"[^/]+", rule)) for rule in page_rules()]
    assert [path for path in named if not any(pattern.fullmatch(path) for pattern in patterns)] == []
