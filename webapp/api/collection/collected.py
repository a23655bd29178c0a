"""The records of a completed session, all of them, written into its state page by page: one page is in memory."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from flask import Response, current_app
from marshmallow import Schema
from sqlalchemy.orm import Session

from services.patients.records import Cursor, RecordPage, list_checkups, list_prescriptions
from services.stores import Stores
from webapp.api.patients.schemas.records import CheckupItem, PrescriptionItem
from webapp.current import stores

_PAGE_RECORDS = 100

ListPage = Callable[..., RecordPage[Any]]


class RecordWriter:
    """The JSON of one list of records, newest first. Its first page is read before the answer begins, so that a store
    that is away is told by the answer's status."""

    def __init__(self, here: Stores, patient_uuid: UUID, list_page: ListPage, schema: Schema) -> None:
        self._here, self._patient_uuid = here, patient_uuid
        self._list_page, self._schema = list_page, schema
        self._dumps = current_app.json.dumps
        self._written: str = ""
        self._next: Cursor | None = None

    def read_first(self, session: Session) -> None:
        self._read(session, None)

    def write(self) -> Iterator[str]:
        """Items with commas between. Raises what the store raises; the answer is then cut, and no JSON."""
        yield self._written
        while self._next is not None:
            with self._here.sessions() as session:
                self._read(session, self._next)
            if self._written:
                yield "," + self._written

    def _read(self, session: Session, after: Cursor | None) -> None:
        page = self._list_page(session, self._patient_uuid, limit=_PAGE_RECORDS, after=after)
        self._written = self._dumps(self._schema.dump(page.items, many=True)).removeprefix("[").removesuffix("]")
        self._next = page.next_cursor


def record_writers(patient_uuid: UUID) -> Mapping[str, RecordWriter]:
    """By the name in the state."""
    here = stores()
    return {
        "health_data": RecordWriter(here, patient_uuid, list_checkups, CheckupItem()),
        "prescription_data": RecordWriter(here, patient_uuid, list_prescriptions, PrescriptionItem()),
    }


def with_records(state: dict[str, Any], lists: Mapping[str, RecordWriter]) -> Response:
    """One JSON object of the state, as it is dumped, and the lists."""
    head = current_app.json.dumps(state).removesuffix("}")

    def write() -> Iterator[str]:
        yield head
        for name, records in lists.items():
            yield f', "{name}": ['
            yield from records.write()
            yield "]"
        yield "}"

    return Response(write(), mimetype="application/json")
