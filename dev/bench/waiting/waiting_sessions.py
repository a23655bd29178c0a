"""Sessions that wait for their phones, put straight into the database."""

import random
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID, uuid4

import orjson

from core.clock import clock
from core.names import Status, Step
from core.settings import Settings
from dev.bench.sessions import invent_identity
from models.collection import CollectionRun, RunState
from models.collection.run_states import FAST_POLLS
from models.patients import DEFAULT_HOSPITAL, DEFAULT_PARTNER
from services.stores import Stores, build_stores
from upstream.tilko.codec import AuthTokens

_BATCH = 1000


class WaitingSessions:
    """Their CxId is made of their id, so that the provider's records can be matched with sessions."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._stores: Stores = build_stores(Settings.read(env), clock, lambda _: None)

    def add(self, count: int, *, spread_seconds: float) -> list[str]:
        """Those of a spread have waited for a while and are due within it; the others have just begun. Their CxIds."""
        ids = [uuid4() for _ in range(count)]
        for start in range(0, count, _BATCH):
            with self._stores.sessions.begin() as session:
                session.add_all([self._run(one, spread_seconds) for one in ids[start : start + _BATCH]])
        return [cx_id_of(one) for one in ids]

    def _run(self, session_id: UUID, spread_seconds: float) -> CollectionRun:
        now = clock.now()
        identity = invent_identity(f"010{random.randrange(10**8):08d}")
        tokens = AuthTokens(cx_id_of(session_id), "0", "req-bench", "token-bench", "tx-bench")
        seal = self._stores.sealer.seal
        return CollectionRun(
            session_id=session_id,
            request_id="bench",
            status=Status.AUTH_PENDING,
            step=Step.POLL_SIMPLE_AUTH,
            run_state=RunState.WAITING,
            polls=FAST_POLLS if spread_seconds else 0,
            not_before=now + timedelta(seconds=random.uniform(0, spread_seconds)),
            identity=seal(identity.to_json(), f"identity:{session_id}"),
            auth=seal(orjson.dumps(tokens.to_dict()), f"auth:{session_id}"),
            hospital_id=DEFAULT_HOSPITAL,
            partner_id=DEFAULT_PARTNER,
            masked_name="김*늘",
            consents_until=now + timedelta(hours=1),
            expires_at=now + timedelta(hours=1),
            created_at=now,
            updated_at=now,
        )


def cx_id_of(session_id: UUID) -> str:
    return f"cx-{session_id}"


def session_id_of(cx_id: str) -> str:
    return cx_id.removeprefix("cx-")
