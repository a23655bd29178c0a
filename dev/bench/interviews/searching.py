"""How soon words are found in what was said in very many interviews, beside a plain LIKE."""

import random
import time
from collections.abc import Callable, Mapping
from statistics import median
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dev.bench.interviews.company import BenchCompany
from dev.bench.results import Metrics, percentile
from models.interviews import IndexedUtterance
from services.interviews.search import SearchWish, search_utterances

_Find = Callable[[str], int]
_PAGE = 50
_WORDS = (
    *("결제", "화면이", "자꾸", "멈춰서", "답답했어요", "주문을", "취소하려면", "어디를", "눌러야", "하는지"),
    *("배달이", "늦어질", "때는", "알림이", "먼저", "왔으면", "좋겠고", "리뷰는", "사진이", "있는", "것만", "믿어요"),
    *("쿠폰", "때문에", "앱을", "바꾼", "적도", "있어요", "주소를", "다시", "입력하는", "일이", "제일", "번거롭고"),
    *("부모님은", "글씨가", "작아서", "못", "쓰신대요", "은행", "앱보다는", "훨씬", "편하지만", "고객센터", "연결까지"),
)
_WORDS_PER_UTTERANCE = 8
# What is said in one utterance of the whole project, and nowhere, though the pairs of its letters are.
_RARE, _NOWHERE = "뻐꾸기시계", "결제" * 5
QUERIES: Mapping[str, str] = {"common": "결제", "phrase": "결제 화면이", "rare": _RARE, "nowhere": _NOWHERE}


def measure_search(company: BenchCompany, *, interviews: int, utterances: int, reads: int) -> dict[str, Metrics]:
    """The product's own service in a unit of work of its own, and a LIKE in its place; the forms take turns. LIKE only
    finds: it reads nothing of what stands around. Without the role the demo's login, a superuser, is held by no
    policy."""
    project_id = company.add_project()
    company.join(project_id)
    company.fill_scripts(project_id, make_scripts(interviews, utterances))
    company.settle()
    forms = _forms(company, project_id)
    found: dict[str, Metrics] = {form: {} for form in forms}
    for name, words in QUERIES.items():
        for form, metrics in _measure(forms, words, reads).items():
            found[form] |= {f"{name}_{metric}": value for metric, value in metrics.items()}
    return found


def make_scripts(interviews: int, utterances: int) -> list[list[dict[str, object]]]:
    """The same at each run."""
    rng = random.Random(11)
    scripts = [[_utterance(rng, number) for number in range(1, utterances + 1)] for _ in range(interviews)]
    scripts[interviews // 2][-1]["cleaned_sentence"] = f"그때 {_RARE}가 울렸어요"
    return scripts


def _utterance(rng: random.Random, number: int) -> dict[str, object]:
    said = " ".join(rng.choices(_WORDS, k=_WORDS_PER_UTTERANCE))
    return {"id": [number], "speaker": "참가자", "category": "", "cleaned_sentence": said}


def _forms(company: BenchCompany, project_id: UUID) -> dict[str, _Find]:
    account_id, stores = company.editor.account_id, company.stores

    def search(words: str) -> int:
        with stores.member_work(account_id) as member:
            return len(search_utterances(member, project_id, SearchWish(words, _PAGE)).results)

    def like_with_row_security(words: str) -> int:
        with stores.member_work(account_id) as member:
            return _find_by_like(member.session, project_id, words)

    def like(words: str) -> int:
        with stores.unit_of_work() as work:
            return _find_by_like(work.session, project_id, words)

    return {"search": search, "LIKE with row-level security": like_with_row_security, "LIKE without": like}


def _find_by_like(session: Session, project_id: UUID, words: str) -> int:
    here = IndexedUtterance
    order = (here.interview_at.desc(), here.interview_id.desc(), here.position)
    is_found = here.letters.contains(words.replace(" ", ""))
    query = select(here.interview_id, here.position).where(here.project_id == project_id, is_found)
    return len(session.execute(query.order_by(*order).limit(_PAGE)).all())


def _measure(forms: Mapping[str, _Find], words: str, reads: int) -> dict[str, Metrics]:
    counts: set[int] = set()
    seconds: dict[str, list[float]] = {form: [] for form in forms}
    for turn in range(reads + 1):  # the first is not counted
        for form, find in forms.items():
            began = time.perf_counter()
            counts.add(find(words))
            seconds[form] += [time.perf_counter() - began] if turn else []
    (count,) = counts  # all of them find the same
    return {
        form: {"found": count, "p50_ms": median(values) * 1000, "p95_ms": percentile(values, 0.95) * 1000}
        for form, values in seconds.items()
    }
