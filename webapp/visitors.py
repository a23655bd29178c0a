"""Who is at the other end, as a person would recognise it: browser and system in words, a shortened address."""

import ipaddress
import re
import secrets
from datetime import timedelta
from functools import partial

from flask import Response, after_this_request, request

from core.tokens import hash_token
from services.patients.session_rows import DEVICE_MAX, Visitor
from webapp.cookies import BROWSER_COOKIE, cookie_name
from webapp.current import stores

# The longest that browsers keep one.
_BROWSER_KEPT_FOR = timedelta(days=400)
_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LONGEST_READ = 512
# The first that fits: most browsers name others, too.
_BROWSERS = (
    ("KAKAOTALK", "카카오톡"),
    ("NAVER(", "네이버 앱"),
    ("Whale/", "Whale"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_IPV6_SHOWN = 48


def current_visitor() -> Visitor:
    """Also leaves the browser a random number, by which it is known when it comes back; it opens nothing."""
    device = describe_device(request.headers.get("User-Agent", ""))
    return Visitor(shorten(request.remote_addr), device, hash_token(_own_number()))


def _own_number() -> str:
    known = request.cookies.get(_cookie_name(), "")
    number = known if _BROWSER.fullmatch(known) else secrets.token_urlsafe(32)
    after_this_request(partial(_keep_number, number=number))
    return number


def _keep_number(response: Response, number: str) -> Response:
    is_secure = stores().settings.web.cookie_secure
    response.set_cookie(
        _cookie_name(),
        number,
        max_age=_BROWSER_KEPT_FOR,
        httponly=True,
        samesite="Strict",
        secure=is_secure,
        path="/",
    )
    return response


def forget_browser(response: Response) -> None:
    """For who signs out, or has everything erased: nothing is left on the device, which comes back as a stranger's."""
    is_secure = stores().settings.web.cookie_secure
    response.delete_cookie(_cookie_name(), path="/", httponly=True, samesite="Strict", secure=is_secure)


def _cookie_name() -> str:
    return cookie_name(BROWSER_COOKIE, is_secure=stores().settings.web.cookie_secure)


def describe_device(user_agent: str) -> str | None:
    """Words of ours alone; None where nothing is recognised."""
    told = user_agent[:_LONGEST_READ]
    words = [next((word for mark, word in marks if mark in told), None) for marks in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, words))[:DEVICE_MAX] or None


def shorten(address: str | None) -> str | None:
    """Its network: `203.0.113.*`, `2001:db8:1::*`. None for what is no address."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if isinstance(parsed, ipaddress.IPv4Address):
        return f"{parsed}".rpartition(".")[0] + ".*"
    network = ipaddress.ip_network((int(parsed), _IPV6_SHOWN), strict=False)
    return f"{network.network_address}*"
