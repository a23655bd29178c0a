"""Every path of ours that a page names is there, and so is the test, function or class that it names in it."""

import pytest

from .source import ROOT, cited, names_in

# The changelog tells of what was there.
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("dev/**/*.md"))]
CITED = sorted(
    {(str(page.relative_to(ROOT)), *found) for page in PAGES for found in cited(page.read_text(encoding="utf-8"))}
)


@pytest.mark.parametrize(("page", "path", "name"), CITED)
def test_what_a_page_names_is_there(page: str, path: str, name: str):
    assert (ROOT / path).exists()
    assert not name or name in names_in(path)


def test_pages_name_paths():
    pages = {page for page, _, _ in CITED}
    assert {"README.md", "docs/architecture.md", "docs/security.md", "docs/journey.md"} <= pages
    assert len(CITED) > 250


def test_what_is_named_is_found():
    page = "`webapp/api/`, `tests/unit/test_a.py::test_b`, `core/{kind}.txt`, `pending/`, [link](docs/relay.md)"
    assert cited(page) == [("webapp/api/", ""), ("tests/unit/test_a.py", "test_b")]
