"""Who is at the other end, as a person would recognise it: browser and system in words, a shortened address."""

import ipaddress

from flask import request

from services.patients.visits import DEVICE_MAX, Visitor

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
    return Visitor(shorten(request.remote_addr), describe_device(request.headers.get("User-Agent", "")))


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
