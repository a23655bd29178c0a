"""Whom a limit counts (an IPv4 address, or the /64 network of an IPv6 one, all of which one host or household has), and
which of our addresses other machines reach."""

import ipaddress

_UNKNOWN = "unknown"


def is_beyond_this_machine(bound: tuple[str, int] | str) -> bool:
    """Of an address that a server listens on; a string is the path of a socket."""
    if isinstance(bound, str):
        return False
    try:
        return not ipaddress.ip_address(bound[0]).is_loopback
    except ValueError:
        return bound[0] != "localhost"


def network_of(address: str | None) -> str:
    """As text; whatever is no address is one and the same."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return _UNKNOWN
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
