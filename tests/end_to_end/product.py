"""The whole product as the tests use it: short waits, everybody behind a proxy."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import redis
from sqlalchemy import Engine, create_engine, text

from dev.local.programs import ORDER
from dev.local.stack import Stack
from tests.end_to_end.person import Person
from tests.end_to_end.provider import Provider
from tests.plain_http import NO_TLS
from tests.stacks import run_stack

SHORT_WAITS = {
    "WELNO_POLL_INTERVAL_SECONDS": "0.4",
    "WELNO_POLL_SLOW_MAX_SECONDS": "1",
    "WELNO_STEP_RETRY_BASE_SECONDS": "0.1",
    "WELNO_STEP_RETRY_MAX_SECONDS": "0.4",
    "WELNO_STEP_MAX_ATTEMPTS": "3",
    "WELNO_SWEEP_INTERVAL_SECONDS": "0.4",
    "WELNO_FILE_RETRY_INTERVAL_SECONDS": "0.5",
    "WELNO_FILE_RETRY_DELAYS_SECONDS": "1,2,3",
    "WELNO_TRUSTED_PROXIES": "1",
    # The default would send the demo's patients home where a run goes over 23:00 in Korea.
    "WELNO_DAY_CLOSE_AT": "00:00",
}


@dataclass(frozen=True)
class Product:
    stack: Stack
    provider: Provider
    engine: Engine
    redis: redis.Redis
    browsers: list[httpx.Client] = field(default_factory=list)

    @property
    def web_url(self) -> str:
        return self.stack.web_url

    @property
    def spool(self) -> Path:
        return Path(self.stack.env["TILKO_DATA_DIR"])

    @property
    def logs(self) -> Path:
        return self.stack.home / "logs"

    def meet(self, **who: Any) -> Person:
        """A person that the provider has never heard of; `is_known_with` changes that."""
        return Person(self.web_url, self.provider, self.browsers, **who)

    def close_browsers(self) -> None:
        while self.browsers:
            self.browsers.pop().close()

    def rows(self, statement: str, **values: Any) -> Sequence[Mapping[str, Any]]:
        with self.engine.connect() as connection:
            return connection.execute(text(statement), values).mappings().all()

    def execute(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement))

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return httpx.get(f"{self.web_url}{path}", timeout=20, verify=NO_TLS, **asked)

    @cached_property
    def operator(self) -> dict[str, str]:
        """The same header for all tests of this product that only look."""
        return self.staff()

    def staff(self) -> dict[str, str]:
        """The header of a member of staff, whose token is another each time."""
        self.stack.run(_staff_command(), "staff_token")
        printed = (self.logs / "staff_token.log").read_text()
        token = re.findall(r"eyJ[\w.-]+", printed)[-1]
        (self.logs / "staff_token.log").unlink()
        return {"Authorization": f"Bearer {token}"}


@contextmanager
def run_product(migrated: Path, processes: Sequence[str] = ORDER, **settings: str) -> Iterator[Product]:
    with run_stack(migrated, SHORT_WAITS | settings, processes) as stack, hold(stack) as product:
        yield product


@contextmanager
def hold(stack: Stack) -> Iterator[Product]:
    provider, engine = Provider(stack.sandbox_url), create_engine(stack.postgres.url)
    client = redis.Redis.from_url(stack.valkey.url)
    product = Product(stack, provider, engine, client)
    try:
        yield product
    finally:
        product.close_browsers()
        provider.close()
        engine.dispose()
        client.close()


def _staff_command() -> tuple[str, ...]:
    return (sys.executable, "-m", "webapp.staff_token", "--name", "operator-1", "--role", "operator")
