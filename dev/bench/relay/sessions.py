"""Real sessions for the relay to serve: begun by the product's own service, many in one transaction."""

from collections import Counter
from collections.abc import Mapping
from datetime import date

from core.clock import clock
from core.names import session_subject
from core.settings import Settings
from dev.bench.relay.client import ClientError
from services.collection.sessions import Started, start_session
from services.delivery.event_log import read_epoch
from services.patients.identity import Identity
from services.stores import Stores, build_stores
from streams import EventBatch, Position, StreamPolicy

_BATCH = 200


class Sessions:
    """They live as long as the stores they are in, whichever server is asked for them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._stores: Stores = build_stores(Settings.read(env), clock, lambda _: None)
        with self._stores.sessions() as session:
            self._epoch = read_epoch(session)
        self._ends: Counter[int] = Counter()
        self.all: list[Started] = []

    def have(self, count: int) -> None:
        """Begin as many as are missing."""
        while len(self.all) < count:
            with self._stores.unit_of_work() as work:
                for number in range(len(self.all), min(len(self.all) + _BATCH, count)):
                    identity = Identity(
                        user_name="김하늘",
                        phone_no=f"010{number:08d}",
                        birthdate=date(1984, 5, 17),
                        gender="M",
                        private_auth_type="0",
                    )
                    started = start_session(
                        work,
                        identity,
                        redirect_path=None,
                        policy=self._stores.policy,
                        sealer=self._stores.sealer,
                        now=clock.now(),
                        request_id="bench",
                    )
                    self.all.append(started)

    def append(self, number: int, bodies: list[bytes]) -> Position:
        """Past the event log: what is measured is the way over Redis. Where the stream stands then."""
        subject = session_subject(self.all[number].session_id)
        batch = EventBatch(subject, self._epoch, self._ends[number] + 1, bodies)
        self._ends[number] = batch.last
        return self._stores.streams.append(batch, StreamPolicy())

    def end(self, number: int) -> Position:
        return Position(self._epoch, self._ends[number])

    def check(self, number: int) -> None:
        """Raises ClientError when the Redis copy of a session is not there: then PostgreSQL would be measured."""
        if not self._stores.redis.exists(session_subject(self.all[number].session_id)):
            raise ClientError("a session has no copy in Redis")

    def close(self) -> None:
        self._stores.close()
