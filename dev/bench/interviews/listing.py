"""A page of 50 of very many interviews, with row-level security and without."""

import time
from collections.abc import Callable
from statistics import median

from dev.bench.interviews.company import BenchCompany
from dev.bench.results import Metrics, percentile
from services.interviews.listing import ListWish, list_interviews
from services.interviews.row_security import MemberWork

_PAGE = 50


def measure_pages(company: BenchCompany, *, interviews: int, reads: int) -> dict[str, Metrics]:
    """The product's own service, in a unit of work of its own; the two take turns. Without the role the demo's login, a
    superuser, is held by no policy."""
    project_id = company.add_project()
    company.join(project_id)
    company.fill(project_id, interviews)
    company.settle()
    account_id, stores = company.editor.account_id, company.stores
    wish = ListWish(limit=_PAGE)

    def with_row_security() -> int:
        with stores.member_work(account_id) as member:
            return len(list_interviews(member, project_id, wish).interviews)

    def without() -> int:
        with stores.unit_of_work() as work:
            member = MemberWork(work, account_id, stores.clock.now(), "")
            return len(list_interviews(member, project_id, wish).interviews)

    forms: dict[str, Callable[[], int]] = {"with row-level security": with_row_security, "without": without}
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(reads + 1):  # the first is not counted
        for name, read in forms.items():
            began = time.perf_counter()
            assert read() == min(_PAGE, interviews)
            seconds[name] += [time.perf_counter() - began] if turn else []
    return {
        name: {"page_p50_ms": median(values) * 1000, "page_p95_ms": percentile(values, 0.95) * 1000}
        for name, values in seconds.items()
    }
