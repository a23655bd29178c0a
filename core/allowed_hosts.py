"""Which hosts of other people's an address may name: those that an operator has listed."""

import re
from dataclasses import dataclass

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = rf"{_LABEL}(\.{_LABEL}){{0,9}}"
# As a list has it: `host`, `*.host`, either with `:port`.
HOST_PATTERN = re.compile(rf"(\*\.)?{_NAME}(:[1-9][0-9]{{0,4}})?", re.ASCII)
# Matched whole, without a parser of addresses: each reads odd ones in its own way, and who connects has another one.
_URL = re.compile(rf"https://(?P<host>{_NAME})(:(?P<port>[1-9][0-9]{{0,4}}))?(?P<rest>[/?][!-~]*)?", re.ASCII)
_OF_NO_PATH = frozenset("\\#")
_HTTPS_PORT = "443"


@dataclass(frozen=True)
class AllowedHosts:
    """`patterns` match HOST_PATTERN; `*.` stands for exactly one label, and a port that is not given is 443."""

    patterns: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def find(self, url: str) -> str | None:
        """The pattern of the host that an address leads to; None for a host that is not listed, and for what is no
        plain address: over HTTPS, its host in lower case, without a password or a fragment."""
        match = _URL.fullmatch(url)
        if match is None or _OF_NO_PATH & set(match["rest"] or ""):
            return None
        host, port = match["host"], match["port"] or _HTTPS_PORT
        suffix = "" if port == _HTTPS_PORT else f":{port}"
        named, any_label = f"{host}{suffix}", f"*.{host.partition('.')[2]}{suffix}"
        return next((one for one in (named, any_label) if one in self.patterns), None)


def origin_of(url: str) -> str:
    """Of an address that `AllowedHosts.find` takes: without the port where that is HTTPS's own."""
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("no plain address")
    port = match["port"] or _HTTPS_PORT
    return f"https://{match['host']}" + ("" if port == _HTTPS_PORT else f":{port}")
