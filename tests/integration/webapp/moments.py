"""At which moments statements look: each at its own, or all of a transaction at one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import Connection, event
from werkzeug.test import TestResponse

from webapp.current import parts


@dataclass(frozen=True)
class Statement:
    text: str
    isolation: str | None


@contextmanager
def statements_of(app: Flask) -> Iterator[list[Statement]]:
    """Those that the app's own engine sends within the block."""
    engine, made = parts(app).stores.engine, []

    def note(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        made.append(Statement(statement, connection.get_execution_options().get("isolation_level")))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield made
    finally:
        event.remove(engine, "before_cursor_execute", note)


def assert_one_moment(app: Flask, ask: Callable[[], TestResponse], is_about: Callable[[str], bool]) -> None:
    """Asked twice, as the first answer may fill a cache."""
    ask()
    with statements_of(app) as made:
        assert ask().status_code == 200
    about = [one for one in made if is_about(one.text)]
    assert about
    assert [one.text for one in about if one.isolation != "REPEATABLE READ"] == []
