"""The object that every answer of Tilko is, and the Korean sentences it carries."""

import itertools
import uuid
from decimal import Decimal
from typing import Any

_sequence = itertools.count(1)

NOT_APPROVED_CODE = 4115
REFUSED_CODE = 4100
NOT_APPROVED = "간편인증이 아직 완료되지 않았습니다.<br/>휴대폰에서 인증을 완료해 주세요."
DECLINED = "<b>본인이 인증 요청을 거절하여</b> 인증을 진행할 수 없습니다."
UNKNOWN_REQUEST = "요청하신 인증 내역을 찾을 수 없습니다."
WRONG_TOKENS = "인증 토큰이 일치하지 않습니다."
WRONG_PERSON = "<p>사용자 정보가 인증 요청과 일치하지 않습니다.</p>"
NO_ACCOUNT = "해당 인증서로 가입된 내역이 없습니다."
WRONG_IDENTITY = {
    "name": "<p>입력하신 정보가 올바르지 않습니다.<br/>성명을 확인해 주세요.</p>",
    "birth": "<b>사용자 정보</b>가 일치하지 않습니다.",
    "phone": "휴대폰 번호가 다릅니다.<br>확인 후 다시 시도해 주세요.",
    "everything": "<font color='red'>입력하신 내용으로는</font> 인증을 진행할 수 없습니다.",
}
NOT_APPROVED_PAGE = """<!DOCTYPE html>
<html lang="ko"><head><meta charset="utf-8"><title>간편인증</title></head>
<body><h1>인증 대기 중</h1><p>휴대폰에서 인증을 완료해 주세요.</p></body></html>
"""


def _envelope(status: str, message: str | None, code: int, balance: Decimal | None) -> dict[str, Any]:
    return {
        "ApiTxKey": str(uuid.uuid4()),
        "Status": status,
        "StatusSeq": next(_sequence),
        "ErrorCode": code,
        "Message": message,
        "ErrorLog": None if status == "OK" else f"SANDBOX-{code}",
        "TargetCode": None,
        "TargetMessage": None,
        "PointBalance": None if balance is None else str(balance),
    }


def ok_envelope(balance: Decimal, message: str | None = None) -> dict[str, Any]:
    return _envelope("OK", message, 0, balance)


def error_envelope(message: str, code: int, balance: Decimal | None = None) -> dict[str, Any]:
    return _envelope("Error", message, code, balance)
