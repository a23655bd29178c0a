"""What the service makes up for in its threads: after a device has changed, and by a sweep what was missed."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core.logs import get_logger
from services.threads.acting import ThreadUnitOfWork, lock_thread
from services.threads.encoding import SERVICE_MEMBER
from services.threads.errors import ThreadsError
from services.threads.keysets import ROTATE_AFTER, ROTATE_AFTER_ITEMS
from services.threads.service_member import ServiceMember, service_caller

log = get_logger(__name__)
# In the audit, in the place of a request's id.
_SWEEP, _DEVICE = "sweep", "device"
_PAGE = 200
_HOLDS = """
    select from welno.welno_thread_wraps own
    join welno.welno_thread_devices device on device.device_id = own.device_id
    where own.thread_id = thread.id and own.generation = {generation}
        and device.member = :service and device.state = 'active'
"""
# A wrap that is missing is only found where the service holds that generation: of others it can make none.
_DUE = text(f"""
    select thread.id from welno.welno_threads thread
    where thread.closed_at is null and thread.id = any(:page) and (
        thread.key_state <> 'ok' or thread.key_made_at < :made_before
        or thread.last_seq - thread.key_seq > :most_items
        or not exists ({_HOLDS.format(generation="thread.key_generation")})
        or exists (
            select from welno.welno_thread_devices ended
            join welno.welno_thread_wraps wrap on wrap.thread_id = thread.id and wrap.device_id = ended.device_id
            where ended.member = :service and ended.state = 'revoked'
        )
        or exists (
            select from welno.welno_thread_members member
            join welno.welno_thread_devices lacks on lacks.member = member.member and lacks.state = 'active'
            join welno.welno_thread_keysets keyset on keyset.thread_id = thread.id
                and (member.visible_from = 1 or keyset.seq >= member.visible_from)
            left join welno.welno_thread_wraps wrap on wrap.thread_id = thread.id
                and wrap.generation = keyset.generation and wrap.device_id = lacks.device_id
            where member.thread_id = thread.id and member.removed_at is null and wrap.device_id is null
                and exists ({_HOLDS.format(generation="keyset.generation")})
        )
    )
    order by thread.id
""")  # noqa: S608 our own names
# Whether something is due is asked of so many alone: of all at once it takes longer than a statement may.
_NEXT_PAGE = text("""
    select thread_id from welno.welno_thread_members
    where member = :service and removed_at is null and thread_id > :after
    order by thread_id limit :limit
""")
_OF_DEVICE = text("""
    select service.thread_id from welno.welno_thread_devices device
    join welno.welno_thread_members member on member.member = device.member and member.removed_at is null
    join welno.welno_thread_members service on service.thread_id = member.thread_id
        and service.member = :service and service.removed_at is null
    where device.device_id = :device order by service.thread_id
""")


class ThreadTender:
    """What a worker does of the service's accord, one unit for each thread: twice is once, also at once."""

    def __init__(self, threads: ThreadUnitOfWork, service: ServiceMember) -> None:
        self._threads = threads
        self._service = service

    def tend_of_device(self, device_id: UUID) -> int:
        """The threads of a device's member that the service is in; in how many something was done."""
        with self._threads(service_caller(_DEVICE)) as unit:
            found = unit.session.scalars(_OF_DEVICE, {"service": SERVICE_MEMBER, "device": device_id}).all()
        return self._tend_all(found, _DEVICE)

    def tend_due(self) -> int:
        """All in which something is due or missing, by pages; in how many something was done. A page that fails stops
        no other: the next sweep comes to it again."""
        return sum(self._tend_all(self._find_due(page), _SWEEP) for page in self._pages())

    def _pages(self) -> Iterator[list[str]]:
        """Of the ids of all threads that the service is in."""
        after = ""
        while page := self._next_page(after):
            yield page
            after = page[-1]

    def _next_page(self, after: str) -> list[str]:
        with self._threads(service_caller(_SWEEP)) as unit:
            bounds = {"service": SERVICE_MEMBER, "after": after, "limit": _PAGE}
            return list(unit.session.scalars(_NEXT_PAGE, bounds))

    def _find_due(self, page: list[str]) -> Sequence[str]:
        try:
            with self._threads(service_caller(_SWEEP)) as unit:
                bounds = {"made_before": unit.now - ROTATE_AFTER, "most_items": ROTATE_AFTER_ITEMS}
                return unit.session.scalars(_DUE, bounds | {"service": SERVICE_MEMBER, "page": page}).all()
        except SQLAlchemyError as exc:
            log.warning("threads_page_not_tended", first=page[0], error=type(exc).__name__)
            return []

    def _tend_all(self, thread_ids: Sequence[str], request_id: str) -> int:
        return sum(self._tend(thread_id, request_id) for thread_id in thread_ids)

    def _tend(self, thread_id: str, request_id: str) -> bool:
        """One that cannot be tended now stops no other: the next sweep finds it."""
        try:
            with self._threads(service_caller(request_id)) as unit:
                return self._service.tend(lock_thread(unit, thread_id))
        except (ThreadsError, SQLAlchemyError) as exc:
            log.warning("thread_not_tended", thread_id=thread_id, error=type(exc).__name__)
            return False
