"""MediArc over HTTP: strict reading, one report per transaction id, a PDF that opens."""

import httpx
import pytest

from tests.integration.dev.sandbox.client import report_body


@pytest.fixture
def order(control):
    def post(body) -> httpx.Response:
        return control.http.post(f"{control.base}/mediarc/predict", json=body)

    return post


def test_a_report_has_the_fields_of_the_protocol(order):
    answer = order(report_body()).json()
    assert set(answer) == {"mkt_uuid", "report_url", "mediarC"}
    report = answer["mediarC"]
    assert list(report) == ["provider", "analyzed_at", "bodyage", "rank", "data"]
    assert report["provider"] == "twobecon"
    assert {entry["type"] for entry in report["data"]} == {"disease", "cancer"}
    assert all(set(entry) == {"type", "code", "name", "rate", "level"} for entry in report["data"])
    assert [sum(entry["type"] == kind for entry in report["data"]) for kind in ("disease", "cancer")] == [10, 8]


def test_the_same_transaction_is_the_same_report_and_billed_once(order, control):
    first, second = order(report_body()), order(report_body())
    assert first.content == second.content
    assert [call["billed"] for call in control.calls(path="mediarc")] == [True, False]
    assert control.get("calls")["reports"] == {"TM_WELNO_3f9c1a2b": 1}
    assert {call["tid"] for call in control.calls(path="mediarc")} == {"TM_WELNO_3f9c1a2b"}


def test_equal_values_predict_the_same_under_another_transaction(order):
    first, second = order(report_body()).json(), order(report_body(tid="another")).json()
    assert first["mkt_uuid"] != second["mkt_uuid"]
    assert first["mediarC"]["data"] == second["mediarC"]["data"]
    assert first["mediarC"]["bodyage"] == second["mediarC"]["bodyage"]


def test_worse_values_make_an_older_body(order):
    worse = report_body()["twobecon_data"]["checkup"] | {"sbp": 165, "fbs": 150}
    ages = [order(report_body(tid=str(n), checkup=c)).json()["mediarC"]["bodyage"]
            for n, c in enumerate((report_body()["twobecon_data"]["checkup"], worse))]  # fmt: skip
    assert ages[1] > ages[0]


@pytest.mark.parametrize(
    ("kind", "has_url", "has_data"), [("pdf", True, False), ("data", False, True), ("both", True, True)]
)
def test_gives_what_was_asked_for(order, kind, has_url, has_data):
    answer = order(report_body() | {"return_type": kind}).json()
    assert (answer["report_url"] is not None, answer["mediarC"] is not None) == (has_url, has_data)


def test_the_report_url_opens_a_pdf(order, control):
    url = order(report_body()).json()["report_url"]
    assert url.startswith(f"{control.base}/mediarc/reports/")
    answer = control.http.get(url)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-1.4")
    assert answer.content.endswith(b"%%EOF\n")
    assert "김하늘".encode() not in answer.content


def test_an_unknown_report_is_404(control):
    assert control.http.get(f"{control.base}/mediarc/reports/nobody.pdf").status_code == 404


def test_a_wrong_key_is_403(order):
    answer = order(report_body() | {"api_key": "wrong"})
    assert answer.status_code == 403
    assert "api_key" in answer.json()["error"]


CHECKUP = report_body()["twobecon_data"]["checkup"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tid": ""}, "tid"),
        ({"birth": "19840517"}, "birth"),
        ({"birth": None}, "birth"),
        ({"gender": "M"}, "gender"),
        ({"gender": True}, "gender"),
        ({"gender": 2}, "gender"),
        ({"checkup": None}, "checkup"),
        ({"checkup": CHECKUP | {"fbs": 0}}, "checkup.fbs"),
        ({"checkup": CHECKUP | {"ldl": 0}}, "checkup.ldl"),
        ({"checkup": CHECKUP | {"ldl": None}}, "checkup.ldl"),
        ({"checkup": CHECKUP | {"sbp": "118"}}, "checkup.sbp"),
        ({"checkup": CHECKUP | {"up": ""}}, "checkup.up"),
        ({"checkup": CHECKUP | {"date": "2023/09/28"}}, "checkup.date"),
        ({"checkup": CHECKUP | {"ggt": 24}}, "checkup.ggt"),
        ({"checkup": {key: value for key, value in CHECKUP.items() if key != "height"}}, "checkup.height"),
        ({"checkup": {key: value for key, value in CHECKUP.items() if key != "dbp"}}, "checkup.dbp"),
        ({"drink": "DRK0005"}, "drink"),
        ({"smoke": 1}, "smoke"),
        ({"family": ["FH0009"]}, "family"),
        ({"disease": "DIS0001"}, "disease"),
        ({"cancer": [1]}, "cancer"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_bad_value_is_400_and_named(order, control, changes, field):
    answer = order(report_body(**changes))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"twobecon_data.{field}:")
    assert control.get("calls")["reports"] == {}


def test_values_that_are_not_known_may_be_left_out(order):
    few = {key: CHECKUP[key] for key in ("date", "height", "weight", "sbp", "dbp", "fbs")}
    assert order(report_body(checkup=few)).status_code == 200


@pytest.mark.parametrize("change", [{"return_type": "all"}, {"user_name": ""}, {"twobecon_data": []}, {"extra": 1}])
def test_a_bad_frame_is_400(order, change):
    assert order(report_body() | change).status_code == 400


def test_a_body_that_is_no_object_is_400(control):
    assert control.http.post(f"{control.base}/mediarc/predict", content=b"[]").status_code == 400


def test_its_path_can_be_chosen(own_sandbox):
    process = own_sandbox("--mediarc-path", "v9/predict-it")
    assert process.http.post(f"{process.url}/some/V9/predict-it", json=report_body()).status_code == 200
    assert process.http.post(f"{process.url}/mediarc/predict", json=report_body()).status_code == 404
