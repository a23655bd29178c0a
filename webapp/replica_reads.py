"""Reads that a replica may answer. How old such an answer may be is told by its header `Data-As-Of`."""

from collections.abc import Callable
from typing import TypeVar

from flask import Response, g
from prometheus_client import Counter
from sqlalchemy.orm import Session

from core.moments import write_moment
from services.replica import ReplicaUnused
from webapp.current import stores

T = TypeVar("T")

AS_OF_HEADER = "Data-As-Of"
# For the OpenAPI document.
AS_OF = {
    AS_OF_HEADER: {
        "description": "Read from a replica: everything that was committed until then is in it. Absent: read from the"
        " primary, and nothing is missing.",
        "schema": {"type": "string", "format": "date-time"},
    }
}
READS = Counter(
    "welno_replica_reads_total",
    "Reads that a replica may answer: by the `replica`, or by the primary, as it was `unreachable`, `slow`, `lagging`,"
    " `promoted`, or had not got yet what was `changed`.",
    ["outcome"],
)


def read_replica(
    primary: Session, read: Callable[[Session], T], is_current: Callable[[Session], bool] | None = None
) -> T:
    """What `read` gives of the replica, or of the primary where there is no replica, none that follows closely, or none
    that `is_current`. It must use nothing but the session that it is given: see `Replica.read`.

    Who asks, whether they may, and that they looked belongs into the primary's transaction, in which this is called.
    """
    replica = stores().replica
    if replica is None:
        return read(primary)
    try:
        found, g.data_as_of = replica.read(read, is_current)
    except ReplicaUnused as exc:
        READS.labels(exc.reason).inc()
        return read(primary)
    READS.labels("replica").inc()
    return found


def tell_as_of(response: Response) -> Response:
    if "data_as_of" in g:
        response.headers[AS_OF_HEADER] = write_moment(g.data_as_of)
    return response
