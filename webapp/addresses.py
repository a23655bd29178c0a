"""From where somebody asks: the whole address, and whom a limit counts (an IPv4 address, or the /64 network of an IPv6
one, all of which one host or household has); and which of our addresses other machines reach."""

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


def host_of(address: str | None) -> str:
    """The whole address in its shortest form, without a zone; whatever is no address is one and the same."""
    parsed = _parse(address)
    return str(parsed).partition("%")[0] if parsed is not None else _UNKNOWN


def network_of(address: str | None) -> str:
    """As text; whatever is no address is one and the same."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed) if parsed is not None else _UNKNOWN


def _parse(address: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IPv4 address within an IPv6 one is the IPv4 one."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed
