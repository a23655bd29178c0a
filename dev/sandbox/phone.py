"""The person's phone as a page: what waits for an approval, with the two buttons a person has."""

from datetime import UTC, datetime
from html import escape
from pathlib import Path

from aiohttp import web

from dev.sandbox.approvals import APPROVED, DECLINED, AuthRequest
from dev.sandbox.errors import BadInputError
from dev.sandbox.people import AUTHENTICATORS
from dev.sandbox.service import Sandbox

PAGE = (Path(__file__).parent / "phone.html").read_text(encoding="utf-8")
MAX_SHOWN = 50
DECISIONS = {"approve": APPROVED, "decline": DECLINED}
EMPTY = """<p class="empty"><strong>기다리는 인증 요청이 없어요.</strong>
<span>요청이 오면 이 화면에 바로 나타나요.</span></p>"""


def _since(request: AuthRequest, now: datetime) -> str:
    seconds = max(0, int((now - request.requested_at).total_seconds()))
    return f"{seconds}초 전" if seconds < 60 else f"{seconds // 60}분 전"


def _card(request: AuthRequest, now: datetime) -> str:
    person = request.person
    born, phone = person.birthdate, person.phone_no
    dashed = f"{phone[:3]}-{phone[3:-4]}-{phone[-4:]}"
    return f"""<article class="card">
<header><span class="badge">{escape(AUTHENTICATORS[request.authenticator])}</span>
<time datetime="{request.requested_at.isoformat()}">{_since(request, now)}</time></header>
<h2>{escape(person.user_name)} 님</h2>
<p>{born[:4]}년 {int(born[4:6])}월 {int(born[6:])}일 · {escape(dashed)}</p>
<p class="what">국민건강보험공단 간편인증을 요청했어요.</p>
<form method="post" action="/phone"><input type="hidden" name="CxId" value="{escape(request.cxid)}">
<button class="decline" name="decision" value="decline">거절</button>
<button class="approve" name="decision" value="approve">승인</button></form></article>"""


def render_list(requests: list[AuthRequest], now: datetime) -> str:
    """The newest first, at most MAX_SHOWN: a load test must not freeze the page."""
    cards = [_card(request, now) for request in reversed(requests[-MAX_SHOWN:])]
    more = len(requests) - len(cards)
    if more:
        cards.append(f'<p class="more">그 밖에 {more}건이 더 있어요.</p>')
    return "\n".join(cards) or EMPTY


class Phone:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/phone", self.show_page),
            web.get("/phone/list", self.show_list),
            web.post("/phone", self.decide),
        ]

    def _list(self) -> str:
        return render_list(self._sandbox.world.approvals.pending(), datetime.now(UTC))

    async def show_page(self, _request: web.Request) -> web.Response:
        return web.Response(text=PAGE.replace("<!--list-->", self._list()), content_type="text/html", charset="utf-8")

    async def show_list(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._list(), content_type="text/html", charset="utf-8")

    async def decide(self, request: web.Request) -> web.Response:
        form = await request.post()
        decision = DECISIONS.get(str(form.get("decision")))
        if decision is None:
            raise BadInputError("decision", "must be approve or decline")
        self._sandbox.world.approvals.decide(str(form.get("CxId", "")), decision)
        return web.Response(status=303, headers={"Location": "/phone"})
