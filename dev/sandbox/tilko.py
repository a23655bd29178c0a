"""Tilko as its clients see it: public key, simple authentication, LoginCheck, checkups, treatments.

A stated choice of cost: a poll before the approval is answered from its plain fields, and its ENC-KEY is checked for
its form only (strict base64 of one RSA block). The encryption is verified in full on every simpleauthrequest and on
every data call after the approval; `--verify-every-poll` does so on polls too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import orjson

from dev.sandbox import tilko_envelope as words
from dev.sandbox.answers import AnswerCache
from dev.sandbox.approvals import APPROVED, DECLINED, TOKEN_FIELDS, AuthRequest
from dev.sandbox.crypto import KeyPair, decrypt_field, encrypt_field, read_sealed_key
from dev.sandbox.errors import ApiKeyError, BadInputError, EncryptionError, ProviderRefusalError
from dev.sandbox.exchange import LOGIN_CHECK, Exchange
from dev.sandbox.inputs import read_korean_day
from dev.sandbox.ledger import Served
from dev.sandbox.people import AUTHENTICATORS, Person
from dev.sandbox.records import Question
from dev.sandbox.replies import NOT_FOUND, Reply, html_reply, json_reply
from dev.sandbox.tilko_envelope import error_envelope, ok_envelope
from dev.sandbox.world import LOGIN_CHECK_VERSIONS, World

PUBLIC_KEY_PATH = "/api/auth/getpublickey"
SIMPLE_AUTH_PATH = "/api/v1.0/nhissimpleauth/simpleauthrequest"
CHECKUPS_PATH = "/api/v1.0/nhissimpleauth/ggpab003m0105"
TREATMENTS_PATH = "/api/v1.0/nhissimpleauth/retrievetreatmentinjectioninformationperson"
LOGIN_CHECK_PATHS = {f"/api/{version}{LOGIN_CHECK}": version for version in LOGIN_CHECK_VERSIONS}
PATHS = frozenset({PUBLIC_KEY_PATH, SIMPLE_AUTH_PATH, *LOGIN_CHECK_PATHS, CHECKUPS_PATH, TREATMENTS_PATH})
IDENTITY_FIELDS = ("UserName", "BirthDate", "UserCellphoneNumber")
ENC_PREFIX = "ENC:"
LIST_HEAD, LIST_TAIL = b',"ResultList":', b"}"


@dataclass(frozen=True, slots=True)
class Tilko:
    api_key: str
    seed: int
    verify_every_poll: bool
    keys: KeyPair
    cache: AnswerCache

    async def answer(self, world: World, exchange: Exchange) -> Reply:
        if exchange.path == PUBLIC_KEY_PATH:
            return self._give_public_key(exchange)
        if LOGIN_CHECK_PATHS.get(exchange.path) in world.login_check.missing:
            return NOT_FOUND
        try:
            return await self._answer_post(world, exchange)
        except ProviderRefusalError as refusal:
            return _refuse(str(refusal), refusal.code)
        except (ApiKeyError, BadInputError, EncryptionError) as refusal:
            return _refuse(str(refusal), refusal.status, refusal.status)

    async def _answer_post(self, world: World, exchange: Exchange) -> Reply:
        sealed = self._check_request(exchange)
        if exchange.path == SIMPLE_AUTH_PATH:
            return self._request_auth(world, exchange, sealed)
        if exchange.path in LOGIN_CHECK_PATHS:
            return self._check_login(world, exchange, sealed)
        return await self._answer_data_call(world, exchange, sealed)

    def _give_public_key(self, exchange: Exchange) -> Reply:
        asked = next((value for name, value in exchange.query.items() if name.lower() == "apikey"), "")
        if exchange.method != "GET":
            return _refuse("GET만 지원합니다.", 405, 405)
        known = asked == self.api_key
        return json_reply(
            {
                "Status": "OK" if known else "Error",
                "ApiKey": asked,
                "PublicKey": self.keys.public_base64 if known else None,
                "Message": None if known else "등록되지 않은 API KEY입니다.",
            }
        )

    def _check_request(self, exchange: Exchange) -> bytes:
        """The sealed AES key of a POST whose headers are in order."""
        if exchange.method != "POST":
            raise BadInputError("method", "must be POST")
        if exchange.headers.get("API-KEY") != self.api_key:
            raise ApiKeyError("API-KEY: 등록되지 않은 API KEY입니다.")
        if not exchange.headers.get("Content-Type", "").lower().startswith("application/json"):
            raise BadInputError("Content-Type", "must be application/json")
        sealed = read_sealed_key(exchange.headers.get("ENC-KEY"))
        if exchange.body is None:
            raise BadInputError("body", "must be a JSON object")
        return sealed

    def _open_key(self, world: World, sealed: bytes) -> bytes:
        key = self.keys.open_key(sealed)
        world.ledger.note_key(key)
        return key

    def _request_auth(self, world: World, exchange: Exchange, sealed: bytes) -> Reply:
        key = self._open_key(world, sealed)
        authenticator = exchange.text("PrivateAuthType")
        if authenticator not in AUTHENTICATORS:
            raise BadInputError("PrivateAuthType", "is not one of 0 to 6")
        given = [decrypt_field(key, name, exchange.text(name)) for name in IDENTITY_FIELDS]
        name, birthdate, phone = given
        person = world.people.find(name, birthdate, phone)
        if person is None:
            differs = world.people.what_differs(name, birthdate, phone)
            raise ProviderRefusalError(words.WRONG_IDENTITY[differs], words.REFUSED_CODE)
        if authenticator not in person.authenticators:
            empty = dict.fromkeys((*TOKEN_FIELDS, *IDENTITY_FIELDS))
            return _give_result_data(world, empty | {"PrivateAuthType": authenticator}, words.NO_ACCOUNT)
        request = world.approvals.open(person, authenticator)
        exchange.call.cxid = request.cxid
        request.echoed = _echo_identity(person, key, exchange.call.n)
        return _give_result_data(world, request.tokens | request.echoed)

    def _check_login(self, world: World, exchange: Exchange, sealed: bytes) -> Reply:
        """Free, and without data."""
        request = _find_request(world, exchange)
        self._verify_poll(world, exchange, request, sealed)
        is_deaf = LOGIN_CHECK_PATHS[exchange.path] == "v1.0" and world.login_check.v1_stays_false
        approved = not is_deaf and request.approved_for(request.person.login_check_late_seconds)
        return json_reply(ok_envelope(world.ledger.balance) | {"Result": approved}, error_code=0)

    def _verify_poll(self, world: World, exchange: Exchange, request: AuthRequest, sealed: bytes) -> None:
        """In full after the approval; before it only where that was asked for."""
        if request.state == APPROVED or self.verify_every_poll:
            _check_person(exchange, request, self._open_key(world, sealed))
        else:
            world.ledger.note_key(sealed)

    async def _answer_data_call(self, world: World, exchange: Exchange, sealed: bytes) -> Reply:
        request = _find_request(world, exchange)
        window = _read_window(exchange)
        self._verify_poll(world, exchange, request, sealed)
        if not request.approved_for(request.person.data_late_seconds):
            return _keep_waiting(request)
        return await self._serve(world, exchange, Question(request.person, self.seed, world.today, window))

    async def _serve(self, world: World, exchange: Exchange, question: Question) -> Reply:
        """Billed as soon as it is granted: a client that leaves while the list is being built has paid."""
        cxid = exchange.text("CxId")
        world.ledger.bill_data(exchange.call, cxid, question.kind)
        head = orjson.dumps(ok_envelope(world.ledger.balance))[:-1] + LIST_HEAD
        world.ledger.note_served(cxid, Served(head, question))
        rows = await self.cache.fetch(question)
        return Reply(200, (head, rows, LIST_TAIL), error_code=0)

    async def recall(self, served: Served) -> bytes:
        """The exact body of an answer that was served before."""
        return served.head + await self.cache.fetch(served.question) + LIST_TAIL


def _refuse(message: str, code: int, status: int = 200) -> Reply:
    return json_reply(error_envelope(message, code), status, error_code=code)


def _give_result_data(world: World, data: Mapping[str, str | None], message: str | None = None) -> Reply:
    return json_reply(ok_envelope(world.ledger.balance, message) | {"ResultData": data}, error_code=0)


def _echo_identity(person: Person, key: bytes, turn: int) -> dict[str, str]:
    """The provider is not of one mind about these fields: sealed with a prefix, plain with a prefix, plain."""
    if turn % 3 == 0:
        values = [ENC_PREFIX + encrypt_field(key, text) for text in person.identity]
    elif turn % 3 == 1:
        values = [ENC_PREFIX + text for text in person.identity]
    else:
        values = list(person.identity)
    return dict(zip(IDENTITY_FIELDS, values, strict=True))


def _find_request(world: World, exchange: Exchange) -> AuthRequest:
    """The request that the five plain fields name together, unless the person declined it."""
    request = world.approvals.find(exchange.text("CxId"))
    if request is None:
        raise ProviderRefusalError(words.UNKNOWN_REQUEST, words.REFUSED_CODE)
    if any(exchange.text(name) != value for name, value in request.tokens.items()):
        raise ProviderRefusalError(words.WRONG_TOKENS, words.REFUSED_CODE)
    if request.state == DECLINED:
        raise ProviderRefusalError(words.DECLINED, words.REFUSED_CODE)
    return request


def _check_person(exchange: Exchange, request: AuthRequest, key: bytes) -> None:
    """Do all three fields name the person who asked? Reads all before it compares: each must be decryptable."""
    given = tuple(_reads_as(exchange.text(field), field, request, key) for field in IDENTITY_FIELDS)
    if given != request.person.identity:
        raise ProviderRefusalError(words.WRONG_PERSON, words.REFUSED_CODE)


def _reads_as(value: str, field: str, request: AuthRequest, key: bytes) -> str:
    """The field's text; what simpleauthrequest answered may come back as it was, or encrypted once more."""
    expected = request.person.identity[IDENTITY_FIELDS.index(field)]
    echoed = request.echoed.get(field)
    if value.startswith(ENC_PREFIX) and value == echoed:
        return expected
    text = decrypt_field(key, field, value.removeprefix(ENC_PREFIX))
    return expected if text == echoed else text.removeprefix(ENC_PREFIX)


def _read_window(exchange: Exchange) -> tuple[date, date] | None:
    if exchange.path != TREATMENTS_PATH:
        return None
    body = exchange.body or {}
    start, end = read_korean_day(body, "StartDate"), read_korean_day(body, "EndDate")
    if start > end:
        raise BadInputError("StartDate", "is after EndDate")
    return start, end


def _keep_waiting(request: AuthRequest) -> Reply:
    mode = request.person.waiting_answer
    if mode == "alternate":
        mode = "html" if next(request.waiting_answers) % 2 else "4115"
    if mode == "html":
        return html_reply(words.NOT_APPROVED_PAGE)
    return _refuse(words.NOT_APPROVED, words.NOT_APPROVED_CODE if mode == "4115" else words.REFUSED_CODE)
