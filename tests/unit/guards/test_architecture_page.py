"""docs/architecture.md draws the packages, domains and imports that the guards go by."""

import re

import pytest

from .source import DOMAINS, MAY_SEE, ROOT, SHARED_DOMAINS

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LINKS = sorted(set(re.findall(r"\]\(([^)#:]+)\)", PAGE)))


def rows_of(heading: str) -> dict[str, str]:
    """The table below a heading: what stands in its first column, and in its second."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", section, re.MULTILINE))


def named(text: str) -> set[str]:
    return set(re.findall(r"`([\w.]+)`", text))


def test_it_tells_every_package():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert set(rows_of("Packages")) == packages - {"tests"}


def test_it_tells_every_domain():
    told, _, rest = PAGE.partition("domains the packages within them:")[2].partition("that all of these use:")
    shared = rest.partition(".")[0]
    assert (named(told), named(shared)) == (set(DOMAINS - SHARED_DOMAINS), set(SHARED_DOMAINS))


def test_its_table_is_what_each_package_may_import():
    assert {package: named(told) for package, told in rows_of("Who may import whom").items()} == MAY_SEE


def test_its_diagram_is_the_same_without_what_all_stand_on():
    drawn = re.findall(r"^    ([\w.]+) --> ([\w.]+)$", PAGE, re.MULTILINE)
    assert sorted(drawn) == sorted((room, other) for room, seen in MAY_SEE.items() for other in seen - {"core"})


@pytest.mark.parametrize("link", LINKS)
def test_what_it_links_to_is_there(link: str):
    assert (ROOT / "docs" / link).exists()


def test_the_readme_leads_there():
    assert "](docs/architecture.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
