"""The same records as another year's software writes them: other item names, widths, blanks and remarks, a null row."""

import unicodedata
from typing import Any

Row = dict[str, Any]
USUAL, OTHER = "usual", "other"
SPELLINGS = (USUAL, OTHER)
_NAMES = {
    "AST(SGOT)": "에이에스티(AST, SGOT)",
    "ALT(SGPT)": "에이엘티(ALT, SGPT)",
    "감마지티피(γ-GTP)": "감마지티피(y-GPT)",
    "청력(좌/우)": "청각(좌/우)",
    "HDL콜레스테롤": "HDL-콜레스테롤",
}
_WIDE = {"신장", "체중", "혈색소"}
_WITH_REMARK = {"공복혈당", "총콜레스테롤", "AST(SGOT)"}


def respell_checkups(rows: list[Row]) -> list[Row | None]:
    return [_respell_checkup(row) for row in rows] + [None]


def respell_treatments(rows: list[Row]) -> list[Row | None]:
    """Oldest first, so that each stands elsewhere in the answer."""
    respelled = [
        row
        | {
            "ByungEuiwonYakGukMyung": unicodedata.normalize("NFD", row["ByungEuiwonYakGukMyung"]),
            "Address": f"{row['Address'].replace(' ', '  ')} ",
        }
        for row in reversed(rows)
    ]
    return [*respelled, None]


def _respell_checkup(row: Row) -> Row:
    inspections = [
        inspection
        | {
            "Illnesses": [
                illness | {"Items": [_respell_item(item) for item in illness["Items"]]}
                for illness in inspection["Illnesses"]
            ]
        }
        for inspection in row["Inspections"]
    ]
    return row | {"Location": f" {row['Location']} ", "Inspections": inspections}


def _respell_item(item: Row) -> Row:
    return item | {"Name": _NAMES.get(item["Name"], item["Name"]), "Value": _respell_value(item["Name"], item["Value"])}


def _respell_value(name: str, value: str) -> str:
    if value == "비해당":
        return "해당없음"
    if not value:
        return value
    if name == "혈압(최고/최저)":
        return value.replace("/", "／") + "㎜Hg"
    if name in _WIDE:
        return "".join(chr(ord(sign) + 0xFEE0) for sign in value)
    return f"{value} (정상)" if name in _WITH_REMARK else value
