"""MediArc as its clients see it: a strict reader of the values, one report per transaction id."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from dev.sandbox.errors import BadInputError
from dev.sandbox.exchange import Exchange
from dev.sandbox.inputs import Fields, is_number, read_choice, read_text, refuse_unknown
from dev.sandbox.replies import Reply, json_reply
from dev.sandbox.reports import Report, make_report
from dev.sandbox.world import World

DATA = "twobecon_data."
CHECKUP = DATA + "checkup."
NEEDED = ("height", "weight", "sbp", "dbp", "fbs")
NUMBERS = frozenset({*NEEDED, "waist", "bmi", "scr", "ast", "alt", "gpt", "tc", "hdl", "tg", "ldl", "gfr", "hgb"})
WORDS = frozenset({"up", "tb"})
BODY_FIELDS = frozenset({"api_key", "user_name", "return_type", "twobecon_data"})
DATA_FIELDS = frozenset({"tid", "birth", "gender", "checkup", "drink", "smoke", "family", "disease", "cancer"})
DRINK = tuple(f"DRK000{n}" for n in range(1, 5))
SMOKE = tuple(f"SMK000{n}" for n in range(1, 4))
CODE_LISTS = {
    "family": frozenset(f"FH000{n}" for n in range(1, 6)),
    "disease": frozenset(f"DIS000{n}" for n in range(1, 9)),
    "cancer": frozenset(f"CNR000{n}" for n in range(1, 7)),
}


def _object(body: Fields, name: str, prefix: str = "") -> Fields:
    value = body.get(name)
    if not isinstance(value, dict):
        raise BadInputError(prefix + name, "must be an object")
    return value


def _check_day(body: Fields, name: str, prefix: str) -> None:
    value = body.get(name)
    try:
        # fromisoformat alone would also take 19840517 and week dates.
        if not isinstance(value, str) or date.fromisoformat(value).isoformat() != value:
            raise BadInputError(prefix + name, "must be a day as yyyy-MM-dd")
    except ValueError as exc:
        raise BadInputError(prefix + name, "must be a day as yyyy-MM-dd") from exc


def _check_checkup(checkup: Fields) -> None:
    refuse_unknown(checkup, NUMBERS | WORDS | {"date"}, CHECKUP)
    if "date" in checkup:
        _check_day(checkup, "date", CHECKUP)
    for name in NEEDED:
        if name not in checkup:
            raise BadInputError(CHECKUP + name, "is missing")
    for name in sorted(NUMBERS & checkup.keys()):
        # A blood sugar of 0 is a false medical statement: what is not known is left out.
        if not is_number(checkup[name]) or checkup[name] <= 0:
            raise BadInputError(CHECKUP + name, "must be a number above 0")
    for name in sorted(WORDS & checkup.keys()):
        read_text(checkup, name, CHECKUP)


def _check_habits(data: Fields) -> None:
    for name, codes in (("drink", DRINK), ("smoke", SMOKE)):
        if name in data and data[name] not in codes:
            raise BadInputError(DATA + name, f"must be one of {', '.join(codes)}")
    for name, known in CODE_LISTS.items():
        given = data.get(name, [])
        if not isinstance(given, list) or any(not isinstance(code, str) or code not in known for code in given):
            raise BadInputError(DATA + name, "must be a list of known codes")


def check_body(body: Fields) -> dict[str, Any]:
    """The `twobecon_data` of a body that is in order; raises BadInputError naming the first field that is not."""
    refuse_unknown(body, BODY_FIELDS)
    read_text(body, "user_name")
    read_choice(body, "return_type", ("pdf", "data", "both"))
    data = _object(body, "twobecon_data")
    refuse_unknown(data, DATA_FIELDS, DATA)
    read_text(data, "tid", DATA)
    _check_day(data, "birth", DATA)
    if type(data.get("gender")) is not int or data["gender"] not in (0, 1):
        raise BadInputError(DATA + "gender", "must be 1 (male) or 0 (female)")
    _check_checkup(_object(data, "checkup", DATA))
    _check_habits(data)
    return data


@dataclass(frozen=True, slots=True)
class MediArc:
    api_key: str
    seed: int

    def answer(self, world: World, exchange: Exchange) -> Reply:
        if exchange.method != "POST":
            return json_reply({"error": "method: must be POST"}, 405)
        if exchange.body is None:
            return json_reply({"error": "body: must be a JSON object"}, 400)
        if exchange.body.get("api_key") != self.api_key:
            return json_reply({"error": "api_key: is not known"}, 403)
        try:
            data = check_body(exchange.body)
        except BadInputError as refusal:
            return json_reply({"error": str(refusal)}, refusal.status)
        report = self._find_or_make(world, exchange, data)
        return json_reply(report.describe(exchange.body["return_type"], exchange.origin))

    def _find_or_make(self, world: World, exchange: Exchange, data: dict[str, Any]) -> Report:
        """The same transaction id is the same order: nothing is computed or billed a second time."""
        tid = data["tid"]
        report = world.reports.find(tid)
        if report is None:
            report = make_report(data, self.seed)
            world.reports.keep(tid, report)
            world.ledger.bill_report(exchange.call, tid)
        return report
