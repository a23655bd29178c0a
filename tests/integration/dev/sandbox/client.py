"""A client of Tilko and MediArc, coded straight from the protocol text; it imports nothing of ours."""

import base64
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives import padding as pkcs7
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_der_public_key

SIMPLE_AUTH = "/api/v1.0/nhissimpleauth/simpleauthrequest"
CHECKUPS = "/api/v1.0/nhissimpleauth/ggpab003m0105"
LOGIN_CHECK = "/api/v2.0/nhissimpleauth/LoginCheck"
TREATMENTS = "/api/v1.0/nhissimpleauth/retrievetreatmentinjectioninformationperson"
TOKENS = ("CxId", "PrivateAuthType", "ReqTxId", "Token", "TxId")
IDENTITY = ("UserName", "BirthDate", "UserCellphoneNumber")

HANEUL = ("김하늘", "19840517", "01000000001")
NEVER_EXAMINED = ("이보람", "19911203", "01000000002")
NULL_LISTS = ("박가온", "19780228", "01000000003")
MANY_RECORDS = ("최다온", "19590721", "01000000004")
KAKAO_ONLY = ("정새벽", "19961009", "01000000005")
HTML_ONLY = ("오나래", "19730415", "01000000008")


def korean_today() -> date:
    return (datetime.now(UTC) + timedelta(hours=9)).date()


def encrypt(key: bytes, text: str) -> str:
    padder = pkcs7.PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt(key: bytes, value: str) -> str:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor()
    padded = decryptor.update(base64.b64decode(value)) + decryptor.finalize()
    unpadder = pkcs7.PKCS7(128).unpadder()
    return (unpadder.update(padded) + unpadder.finalize()).decode()


@dataclass
class TilkoClient:
    base: str
    api_key: str
    http: httpx.Client
    _public_key: Any = None

    def fetch_public_key(self, api_key: str | None = None) -> dict[str, Any]:
        asked = {"APIkey": api_key or self.api_key}
        return self.http.get(f"{self.base}/api/Auth/GetPublicKey", params=asked).json()

    def headers(self, key: bytes) -> dict[str, str]:
        if self._public_key is None:
            self._public_key = load_der_public_key(base64.b64decode(self.fetch_public_key()["PublicKey"]))
        sealed = base64.b64encode(self._public_key.encrypt(key, padding.PKCS1v15())).decode()
        return {"Content-Type": "application/json", "API-KEY": self.api_key, "ENC-KEY": sealed}

    def request_auth(
        self, who: tuple[str, str, str], authenticator: str = "0", path: str = SIMPLE_AUTH, key: bytes | None = None
    ) -> httpx.Response:
        key = key or os.urandom(16)
        body = {"PrivateAuthType": authenticator, **self.seal(who, key)}
        return self.http.post(self.base + path, json=body, headers=self.headers(key))

    def seal(self, who: tuple[str, str, str], key: bytes) -> dict[str, str]:
        return {name: encrypt(key, text) for name, text in zip(IDENTITY, who, strict=True)}

    def open_session(self, who: tuple[str, str, str]) -> dict[str, str]:
        return self.request_auth(who).json()["ResultData"]

    def call(self, path: str, session: dict[str, str], who: tuple[str, str, str], **extra: Any) -> httpx.Response:
        key = os.urandom(16)
        body = {name: session[name] for name in TOKENS} | self.seal(who, key) | extra
        return self.http.post(self.base + path, json=body, headers=self.headers(key))

    def fetch_checkups(
        self, session: dict[str, str], who: tuple[str, str, str], path: str = CHECKUPS
    ) -> httpx.Response:
        return self.call(path, session, who)

    def check_login(
        self, session: dict[str, str], who: tuple[str, str, str], path: str = LOGIN_CHECK
    ) -> httpx.Response:
        key = os.urandom(16)
        body = {"Auth": {name: session[name] for name in TOKENS} | self.seal(who, key)}
        return self.http.post(self.base + path, json=body, headers=self.headers(key))

    def fetch_treatments(
        self, session: dict[str, str], who: tuple[str, str, str], start: str | None = None, end: str | None = None
    ) -> httpx.Response:
        today = korean_today()
        start = start or f"{today - timedelta(days=426):%Y%m%d}"
        end = end or f"{today - timedelta(days=61):%Y%m%d}"
        return self.call(TREATMENTS, session, who, StartDate=start, EndDate=end)


@dataclass
class ControlClient:
    base: str
    http: httpx.Client

    def get(self, path: str, /, **query: str) -> Any:
        answer = self.http.get(f"{self.base}/control/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.http.post(f"{self.base}/control/{path}", json=body)

    def approve(self, session: dict[str, str]) -> None:
        assert self.post("approve", {"CxId": session["CxId"]}).status_code == 200

    def set_fault(self, path: str, /, **fault: Any) -> str:
        answer = self.post("faults", {"path": path, **fault})
        assert answer.status_code == 201, answer.text
        return answer.json()["fault_id"]

    def calls(self, **query: str) -> list[dict[str, Any]]:
        return self.get("calls", **query)["calls"]


def person_body(who: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    name, birthdate, phone = who
    return {"user_name": name, "birthdate": birthdate, "phone_no": phone, "gender": "F"} | more


def report_body(**changes: Any) -> dict[str, Any]:
    """The body of a report order as the protocol prints it; `changes` go into `twobecon_data`."""
    checkup = {
        "date": "2023-09-28", "height": 171.3, "weight": 69.2, "waist": 82.0, "bmi": 23.6, "sbp": 118, "dbp": 76,
        "fbs": 94, "scr": 0.9, "ast": 22, "alt": 19, "gpt": 24, "tc": 187, "hdl": 55, "tg": 104, "ldl": 111,
        "gfr": 98, "hgb": 15.1, "up": "음성", "tb": "정상",
    }  # fmt: skip
    data = {
        "tid": "TM_WELNO_3f9c1a2b", "birth": "1984-05-17", "gender": 1, "checkup": checkup,
        "drink": "DRK0001", "smoke": "SMK0001", "family": [], "disease": [], "cancer": [],
    }  # fmt: skip
    return {
        "api_key": "sandbox-mediarc-key",
        "user_name": "김하늘",
        "return_type": "both",
        "twobecon_data": data | changes,
    }
