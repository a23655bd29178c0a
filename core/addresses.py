"""What may be kept of the address that somebody calls from."""

from ipaddress import IPv6Address, ip_address, ip_network

_IPV4_KEPT, _IPV6_KEPT = 24, 48


def shorten_address(address: str | None) -> str | None:
    """Its network: /24, or /48 of an IPv6 one; None for what is none. Enough to see an attack, too little to name a
    household."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    kept = _IPV6_KEPT if isinstance(parsed, IPv6Address) else _IPV4_KEPT
    return str(ip_network(f"{parsed}/{kept}", strict=False))
