"""What happened to one file so far: how often it was tried, why it failed, when it is due again.

Kept in a small file beside the data (`failed/{name}.why`), not in it: the data can be 30 MiB and must stay as it was
written, and a retry counter that needed a rewrite of the data could damage it. The file stays in `failed/` while the
data is requeued, so a crash never separates them, and is written before each move, so nothing stands in `failed/`
without a reason. It holds codes and times only, nothing personal, and is therefore not sealed; a damaged one counts as
absent, which at worst grants a file more tries.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

_CODE = re.compile(r"[a-z][a-z0-9_.:-]{0,63}", re.ASCII)
_KEPT_TRIES = 50


@dataclass(frozen=True)
class Try:
    at: datetime
    reason: str


@dataclass(frozen=True)
class History:
    """`retry_count` counts the retries that were granted; `tries` are the failures, oldest first."""

    retry_count: int = 0
    next_retry_at: datetime | None = None
    parked: bool = False
    tries: tuple[Try, ...] = ()

    @property
    def last_error(self) -> str | None:
        return self.tries[-1].reason if self.tries else None

    def is_due(self, now: datetime) -> bool:
        return not self.parked and (self.next_retry_at is None or self.next_retry_at <= now)


def after_failure(before: History, failure: Try, *, max_tries: int, delays: Sequence[int]) -> History:
    """Grants up to `max_tries` retries, with `delays` in seconds, then parks."""
    tries = (*before.tries, failure)[-_KEPT_TRIES:]
    if before.retry_count >= max_tries:
        return History(before.retry_count, None, parked=True, tries=tries)
    delay = delays[min(before.retry_count, len(delays) - 1)]
    return History(before.retry_count + 1, failure.at + timedelta(seconds=delay), parked=False, tries=tries)


def after_parking(before: History, failure: Try) -> History:
    return History(before.retry_count, None, parked=True, tries=(*before.tries, failure)[-_KEPT_TRIES:])


def check_code(reason: str) -> str:
    """A sentence could carry a person's values into a plain file: codes only. Raises ValueError."""
    if not _CODE.fullmatch(reason):
        raise ValueError("a reason is a short code: lower-case letters, digits, and _ . : -")
    return reason


def dump_history(history: History) -> bytes:
    # As dictionaries: the library sorts their keys, but not those of dataclasses.
    body = orjson.dumps(asdict(history), option=orjson.OPT_SORT_KEYS)
    return orjson.dumps({"checksum": hashlib.sha256(body).hexdigest(), "history": orjson.Fragment(body)})


def load_history(stored: bytes) -> History:
    """An empty history if the bytes are damaged."""
    try:
        document = orjson.loads(stored)
        body = document["history"]
        if hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest() != document["checksum"]:
            return History()
        return _read_history(body)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return History()


def _read_history(body: dict[str, Any]) -> History:
    due = body["next_retry_at"]
    return History(
        retry_count=int(body["retry_count"]),
        next_retry_at=datetime.fromisoformat(due) if due else None,
        parked=bool(body["parked"]),
        tries=tuple(Try(datetime.fromisoformat(one["at"]), one["reason"]) for one in body["tries"]),
    )
