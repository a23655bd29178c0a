"""What patients and their guests do with SMART Health Links: make, open, take files at locations, guess passcodes."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from dev.bench.chaos.acting_clients import ActorRequest
from dev.bench.chaos.workloads.threads.encrypted_files import make_file
from dev.bench.chaos.workloads.threads.members import BenchMember

_WEIGHTS = {"make": 16, "open": 28, "take": 28, "guess": 22, "end": 6}
_KINDS = {"plain": 5, "guarded": 2, "guessed": 3}
_FILES, _FILE_BYTES = (1, 2), (400, 4_000)
_PATH = "/api/shl"
_EMBEDDED_ALWAYS, _EMBEDDED_NEVER = 2**20, 0
_ASKED_AT_ONCE = 3
_SHARE_OF_NEW = 0.7
_TOO_EARLY = frozenset({429})
_WRONG, _RIGHT = "wrong passcode", "시연 암호"


@dataclass(eq=False)
class GivenLocation:
    """`asked` counts those who were answered, `opened` those who got the file."""

    path: str
    file: str = field(repr=False)
    asked: int = 0
    opened: int = 0


@dataclass(eq=False)
class MadeLink:
    """As its maker and whoever opens it know it. Of a guessed one nobody tries the right passcode."""

    id: str
    files: list[str] = field(repr=False)
    kind: str
    is_ending: bool = False
    is_ended: bool = False
    remaining: list[int] = field(default_factory=list)
    refused: int = 0
    locations: list[GivenLocation] = field(default_factory=list)


@dataclass
class LinkBoard:
    """What is handed round: the same link, and the same location, comes to several."""

    links: list[MadeLink] = field(default_factory=list)

    def of(self, *kinds: str) -> list[MadeLink]:
        return [link for link in self.links if link.kind in kinds]

    def open_locations(self) -> list[tuple[MadeLink, GivenLocation]]:
        """Of which not all who may come have come."""
        alive = (link for link in self.links if not link.is_ending)
        return [(link, one) for link in alive for one in link.locations if one.asked < _ASKED_AT_ONCE]


@dataclass
class LinkActor:
    """A patient, who opens others' links as well: for that their token is nothing."""

    member: BenchMember
    board: LinkBoard
    oddities: list[str] = field(default_factory=list)
    _made: list[MadeLink] = field(default_factory=list)
    _note: Callable[[int, dict[str, Any]], None] = field(default=lambda *_: None)

    @property
    def token(self) -> str:
        return self.member.token

    def next_request(self, rng: random.Random) -> ActorRequest:
        wish = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if wish == "open" and (links := self.board.of("plain", "guarded")):
            return self._open(rng.choice(links), rng.choice((_EMBEDDED_ALWAYS, _EMBEDDED_NEVER)))
        if wish == "take" and (locations := self.board.open_locations()):
            at = -1 if rng.random() < _SHARE_OF_NEW else rng.randrange(len(locations))
            return self._take(*locations[at])
        if wish == "guess" and (links := self.board.of("guessed")):
            return self._guess(rng.choice(links[-_ASKED_AT_ONCE:]))
        if wish == "end" and (links := [one for one in self._made if one.kind == "plain" and not one.is_ending]):
            return self._end(rng.choice(links))
        return self._make(rng)

    def note_answer(self, request: ActorRequest, status: int, body: dict[str, Any]) -> None:
        del request
        self._note(status, body)

    def _make(self, rng: random.Random) -> ActorRequest:
        kind = rng.choices(list(_KINDS), list(_KINDS.values()))[0]
        files = [make_file(rng.randint(*_FILE_BYTES), rng) for _ in range(rng.randint(*_FILES))]

        def note(status: int, body: dict[str, Any]) -> None:
            if self._is(status, 201, "a new link"):
                link = MadeLink(body["id"], [file["jwe"] for file in files], kind)
                self.board.links.append(link)
                self._made.append(link)

        self._note = note
        return ActorRequest(_PATH, {"files": files, "passcode": None if kind == "plain" else _RIGHT})

    def _open(self, link: MadeLink, embedded_max: int) -> ActorRequest:
        was_ended = link.is_ended

        def note(status: int, body: dict[str, Any]) -> None:
            if status == 404 or was_ended:
                link.refused += not link.is_ending
                if status != 404:
                    self.oddities.append(f"{link.id} was opened after its end")
            elif self._is(status, 200, link.id):
                self._note_files(link, body["files"])

        self._note = note
        passcode = {} if link.kind == "plain" else {"passcode": _RIGHT}
        body = {"recipient": "시연 의원", "embeddedLengthMax": embedded_max, **passcode}
        return ActorRequest(f"{_PATH}/{link.id}", body)

    def _note_files(self, link: MadeLink, told: list[dict[str, str]]) -> None:
        if len(told) != len(link.files):
            self.oddities.append(f"{link.id} has {len(told)} of {len(link.files)} files")
        for file, one in zip(link.files, told, strict=False):
            if "location" in one:
                link.locations.append(GivenLocation(urlsplit(one["location"]).path, file))
            elif one["embedded"] != file:
                self.oddities.append(f"{link.id} was opened as something else")

    def _take(self, link: MadeLink, location: GivenLocation) -> ActorRequest:
        """It may have opened for whoever was not answered: then nobody gets it any more."""

        def note(status: int, body: dict[str, Any]) -> None:
            location.asked += 1
            if status != 404 and self._is(status, 200, f"a location of {link.id}"):
                location.opened += 1
                if body["content"].decode() != location.file:
                    self.oddities.append(f"a location of {link.id} opened as something else")

        self._note = note
        return ActorRequest(location.path, method="GET")

    def _guess(self, link: MadeLink) -> ActorRequest:
        """Used up, it is not there; while the last one is still compared, whoever comes is told to come again."""

        def note(status: int, body: dict[str, Any]) -> None:
            if status not in {404, 429} and self._is(status, 401, link.id):
                link.remaining.append(body["remainingAttempts"])

        self._note = note
        body = {"recipient": "시연 손님", "passcode": _WRONG}
        return ActorRequest(f"{_PATH}/{link.id}", body, also_final=_TOO_EARLY)

    def _end(self, link: MadeLink) -> ActorRequest:
        link.is_ending = True

        def note(status: int, body: dict[str, Any]) -> None:
            del body
            link.is_ended = self._is(status, 204, f"the end of {link.id}")

        self._note = note
        return ActorRequest(f"{_PATH}/{link.id}", method="DELETE")

    def _is(self, status: int, wanted: int, what: str) -> bool:
        if status != wanted:
            self.oddities.append(f"{what} was answered by {status}")
        return status == wanted
