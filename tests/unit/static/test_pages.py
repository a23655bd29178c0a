"""The pages and the chart library: what may be asked for, and what a browser is told about it."""

import gzip
import json
import re
import shutil
from pathlib import Path

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from core.settings import AccountSettings
from models.patients import ConsentKind
from services.patients.consent_texts import ConsentText
from webapp import interviews_pages, journey_pages, pages, shl_pages, threads_pages
from webapp.demo_people import read_demo_people
from webapp.static_files import list_modules, serve_static_files

ROOT = Path(__file__).resolve().parents[3]
TEXTS = {ConsentKind.SERVICE: ConsentText(ConsentKind.SERVICE, "1", "서비스 이용약관\n\n하는 일: 보여드려요.")}
JOURNEY_PAGES = ("/journey", "/t/demo-entrance-7f3a9c21e5b84d06", "/staff/journey", "/hall/HALL-1")
RECORD_PAGES = ("/", "/results-trend", "/disease-report", "/sign-in", "/my", "/my/withdrawn", "/my/erased")
PROJECT_PAGES = ("/login", "/projects", "/projects/0c2f9b52-5d7e-4a55-9a39-6f5a4f4c9f10")
VERSIONED = "/static/[0-9a-f]{16}/"
PAGES = (*RECORD_PAGES, "/staff/runs", *JOURNEY_PAGES, *PROJECT_PAGES, "/threads", "/shl")


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    app = Flask("webapp", root_path=str(ROOT / "webapp"))
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(journey_pages.blueprint)
    app.register_blueprint(interviews_pages.blueprint)
    app.register_blueprint(threads_pages.blueprint)
    app.register_blueprint(threads_pages.scripts)
    app.register_blueprint(shl_pages.blueprint)
    pages.show_consent_texts(app, TEXTS)
    return app.test_client()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_allows_no_code_but_our_own(browser: FlaskClient, path: str) -> None:
    policy = browser.get(path).headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_inline_code_or_style(browser: FlaskClient, path: str) -> None:
    html = browser.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_another_host(browser: FlaskClient, path: str) -> None:
    addresses = re.findall(r'(?:src|href)="([^"]+)"', browser.get(path).text)
    assert addresses
    assert all(address.startswith(("/", "#")) and not address.startswith("//") for address in addresses)


@pytest.mark.parametrize("path", PAGES)
def test_ids_in_the_address_reach_no_other_site(browser: FlaskClient, path: str) -> None:
    assert browser.get(path).headers["Referrer-Policy"] == "no-referrer"


def test_invented_people_are_offered_by_a_demo_alone(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    person = {"user_name": "김'하늘", "birthdate": "19840517", "phone_no": "01000000001", "gender": "M"}
    file.write_text(json.dumps([{**person, "about": "건강검진 10건", "image_bytes": 512}]))
    shown: list[str] = []
    for demo, people in ((True, str(file)), (True, ""), (False, str(file))):
        app = Flask("webapp", root_path=str(ROOT / "webapp"))
        app.register_blueprint(pages.blueprint)
        settings = AccountSettings(
            staff_login_limit="5 per minute", operator_idle_seconds=900, demo=demo, demo_people=people
        )
        pages.show_demo_people(app, read_demo_people(settings))
        shown.append(app.test_client().get("/").text)
    assert ["data-demo" in html for html in shown] == [True, False, False]
    [known] = re.findall("data-demo='([^']*)'", shown[0])
    assert json.loads(known) == {**person, "about": "건강검진 10건"}


def test_sockets_may_go_to_the_own_host_alone(browser: FlaskClient) -> None:
    policy = browser.get("/", headers={"Host": "welno.example:8443"}).headers["Content-Security-Policy"]
    assert "connect-src 'self' ws://welno.example:8443 wss://welno.example:8443;" in policy


def test_a_crafted_host_adds_nothing_to_the_policy(browser: FlaskClient) -> None:
    policy = browser.get("/", headers={"Host": "a; script-src *"}).headers["Content-Security-Policy"]
    assert "*" not in policy


def test_the_chart_library_is_kept_for_a_year(browser: FlaskClient) -> None:
    address = re.findall(r'data-chart-library="(/static/vendor/[^" ]+)', browser.get("/results-trend").text)[0]
    with browser.get(address) as reply:
        assert reply.status_code == 200
        assert reply.mimetype == "text/javascript"
        assert "immutable" in reply.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["package.json", "chart.umd.js.map", "..%2f..%2fpackage.json"])
def test_nothing_else_of_the_packages_can_be_asked_for(browser: FlaskClient, name: str) -> None:
    assert browser.get(f"/static/vendor/0/{name}").status_code == 404


def test_the_reader_of_codes_finds_its_other_half_beside_it(browser: FlaskClient) -> None:
    [address] = re.findall(r'data-qr-library="(/static/vendor/[^"]+)"', browser.get("/journey").text)
    with browser.get(address) as library, browser.get(address.replace("qr.js", "index.js")) as other_half:
        assert "from './index.js'" in library.text
        assert other_half.status_code == 200


def test_the_camera_is_for_pages_alone_that_read_a_code(browser: FlaskClient) -> None:
    with_camera = [path for path in PAGES if "camera=(self)" in browser.get(path).headers["Permissions-Policy"]]
    assert sorted(with_camera) == ["/journey", "/threads"]


def test_the_journey_page_may_have_a_worker_and_a_place_on_the_home_screen(browser: FlaskClient) -> None:
    directives = browser.get("/journey").headers["Content-Security-Policy"].split("; ")
    assert {"worker-src 'self'", "manifest-src 'self'", "trusted-types welno"} <= set(directives)
    assert "worker-src" not in browser.get("/staff/journey").headers["Content-Security-Policy"]


def test_the_threads_page_may_have_workers_through_one_policy(browser: FlaskClient) -> None:
    directives = browser.get("/threads").headers["Content-Security-Policy"].split("; ")
    assert {"worker-src 'self'", "trusted-types welno"} <= set(directives)


def test_links_of_others_may_lead_anywhere_over_tls_from_their_page_alone(browser: FlaskClient) -> None:
    to_anybody = [path for path in PAGES if re.search(r"connect-src [^;]* https:", _policy_of(browser, path))]
    assert to_anybody == ["/shl"]
    assert "http:" not in _policy_of(browser, "/shl").replace("https:", "")


def _policy_of(browser: FlaskClient, path: str) -> str:
    return browser.get(path).headers["Content-Security-Policy"]


def test_the_service_worker_runs_our_code_alone(browser: FlaskClient) -> None:
    assert "script-src 'self'" in browser.get("/sw.js").headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/sw.js", "/threads/crypto_worker.js"])
def test_a_worker_s_address_stays_and_imports_a_version_s_module(browser: FlaskClient, path: str) -> None:
    reply = browser.get(path)
    assert (reply.mimetype, reply.headers["Cache-Control"]) == ("text/javascript", "no-cache")
    [module] = re.findall(r'import "([^"]+)";', reply.text)
    with browser.get(module) as imported:
        assert imported.status_code == 200


def test_a_tag_s_code_and_a_screen_s_name_are_not_written_into_their_pages(browser: FlaskClient) -> None:
    assert "<b>" not in browser.get("/t/%3Cb%3E").text
    assert "secret-hall" not in browser.get("/hall/secret-hall").text


def test_an_outdated_address_of_the_library_is_gone(browser: FlaskClient) -> None:
    assert browser.get("/static/vendor/0000000000000000/chart.js").status_code == 404


THREADS = pages.PageExtras(
    content={"worker-src": "'self'", "trusted-types": "welno", "img-src": "blob:"}, permissions={"camera": "(self)"}
)


@pytest.mark.parametrize(
    "directive", ["worker-src 'self'", "trusted-types welno", "img-src 'self' data: blob:", "default-src 'none'"]
)
def test_a_page_may_add_to_its_policy(browser: FlaskClient, monkeypatch: pytest.MonkeyPatch, directive: str) -> None:
    monkeypatch.setitem(pages.EXTRAS, "pages.start", THREADS)
    assert directive in browser.get("/").headers["Content-Security-Policy"].split("; ")


def test_what_one_page_may_no_other_may(browser: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pages.EXTRAS, "pages.start", THREADS)
    assert browser.get("/").headers["Permissions-Policy"].startswith("camera=(self), microphone=()")
    other = browser.get("/results-trend").headers
    assert other["Permissions-Policy"] == "camera=(), microphone=(), geolocation=(), payment=()"
    assert "worker-src" not in other["Content-Security-Policy"]


def test_sources_that_were_none_are_replaced() -> None:
    policy = pages.content_security_policy("welno.example", {"base-uri": "'self'"})
    assert "base-uri 'self'" in policy.split("; ")


def test_an_extra_that_belongs_to_no_page_is_a_mistake(browser: FlaskClient) -> None:
    assert set(pages.EXTRAS) <= set(browser.application.view_functions)


def test_text_files_are_compressed_and_a_browser_that_has_them_is_told_so(browser: FlaskClient) -> None:
    path = "/static/page/collection/trend_checkups.js"
    with browser.get(path) as plain, browser.get(path, headers={"Accept-Encoding": "gzip"}) as packed:
        assert gzip.decompress(packed.data) == plain.data
        assert plain.headers.get("Content-Encoding") is None
        assert "Accept-Encoding" in packed.headers["Vary"]
        tag = packed.headers["ETag"]
    for accepted in ("gzip", ""):
        with browser.get(path, headers={"Accept-Encoding": accepted, "If-None-Match": tag}) as again:
            assert again.status_code == 304


def test_what_a_module_imports_is_named_in_the_page(browser: FlaskClient) -> None:
    page = browser.get("/results-trend").text
    named = re.findall(rf'rel="modulepreload" href="{VERSIONED}([^"]+)"', page)
    assert {"page/collection/results.js", "page/kit/dom.js", "sdk/core/client.js"} <= set(named)
    assert "page/collection/trend.js" not in named


@pytest.mark.parametrize("path", PAGES)
def test_each_module_of_a_page_is_named_before_another_imports_it(browser: FlaskClient, path: str) -> None:
    page = browser.get(path).text
    [name] = re.findall(rf'<script type="module" src="{VERSIONED}([^"]+)"></script>', page)
    named = re.findall(rf'rel="modulepreload" href="{VERSIONED}([^"]+)"', page)
    assert len(named) == len(set(named))
    assert set(list_modules(ROOT / "webapp" / "static", name)) <= set(named)


@pytest.mark.parametrize("path", PAGES)
def test_what_a_page_is_made_of_is_kept_for_a_year(browser: FlaskClient, path: str) -> None:
    addresses = re.findall(r'(?:src|href)="(/static/(?!vendor/)[^"]+)"', browser.get(path).text)
    with_version = [address for address in addresses if re.match(VERSIONED, address)]
    assert set(addresses) - set(with_version) <= {"/static/page/journey/manifest.json"}
    for address in with_version:
        with browser.get(address) as file:
            assert file.status_code == 200
            assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_file_without_a_version_is_asked_for_again(browser: FlaskClient) -> None:
    with browser.get("/static/sdk/welno.js") as file:
        assert (file.status_code, file.headers["Cache-Control"]) == (200, "no-cache")


def test_another_version_s_file_is_given_as_it_is_here_and_not_kept(browser: FlaskClient) -> None:
    with (
        browser.get("/static/0123456789abcdef/sdk/welno.js") as other,
        browser.get("/static/sdk/welno.js") as known,
    ):
        assert other.data == known.data
        assert other.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["", "nothing.js", "../pages.py", "..%2fpages.py", "0123456789abcdef/sdk/welno.js"])
def test_a_version_opens_nothing_but_static_files(browser: FlaskClient, name: str) -> None:
    with browser.application.test_request_context():
        address = url_for("static", filename=name)
    assert browser.get(address).status_code == 404


def test_a_changed_file_changes_every_address(tmp_path: Path) -> None:
    def address() -> str:
        app = Flask("webapp", static_folder=str(folder), static_url_path="/static")
        serve_static_files(app)
        with app.test_request_context():
            return url_for("static", filename="a.js")

    (folder := tmp_path / "1").mkdir()
    (folder / "a.js").write_text("1")
    (folder / "b.js").write_text("1")
    before, again = address(), address()
    copied = folder = Path(shutil.copytree(folder, tmp_path / "2"))
    assert address() == before == again
    folder = Path(shutil.copytree(copied, tmp_path / "3"))
    (folder / "b.js").write_text("2")
    assert address() != before
    assert address().endswith("/a.js")


def test_stored_results_are_shown_without_the_code_that_collects(browser: FlaskClient) -> None:
    assert "/sdk/core/stream.js" not in browser.get("/results-trend").text


def test_no_page_of_the_collection_loads_another_domain_s_client(browser: FlaskClient) -> None:
    assert "/sdk/journey/" not in browser.get("/results-trend").text
