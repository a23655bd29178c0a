"""Which addresses a connection to a named host may go to: public ones, and networks that an operator has named.

A name of somebody else's may lead to this machine, to the networks that it is in, or to a cloud's own services, and may
lead elsewhere a moment later: so each address is judged when it is connected to.
"""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
_Address = IPv4Address | IPv6Address
# A gateway hands what is sent to them to the IPv4 address in their last 32 bits (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")
# Public by their numbers, but from within a cloud they lead to its own services, and from elsewhere to nobody.
_OF_CLOUDS = (
    # Azure's platform: learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    IPv4Network("168.63.129.16/32"),
    # For protocols of the IETF, and Oracle's metadata at 192.0.0.192 (docs.oracle.com, "Retrieving Instance Metadata").
    # IANA's registry of special-purpose addresses has them as not global; Python 3.11 knows a part of them.
    IPv4Network("192.0.0.0/24"),
    # IBM's services and service endpoints, reserved in each of its networks: cloud.ibm.com/apidocs/vpc
    IPv4Network("161.26.0.0/16"),
    IPv4Network("166.8.0.0/14"),
)


@dataclass(frozen=True)
class AllowedAddresses:
    """`networks`: those that are not public, and may be reached all the same."""

    networks: Collection[Network] = ()

    def holds(self, address: str) -> bool:
        """False also for what is no address."""
        try:
            meant = _meant_by(ip_address(address))
        except ValueError:
            return False
        return _is_public(meant) or any(meant in network for network in self.networks)


def _meant_by(address: _Address) -> _Address:
    """Whom a connection reaches: of an IPv6 address that stands for an IPv4 one, that one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or IPv6Address(int(address))


def _is_public(address: _Address) -> bool:
    is_odd = address.is_multicast or address.is_reserved or (isinstance(address, IPv6Address) and address.is_site_local)
    return address.is_global and not is_odd and not any(address in network for network in _OF_CLOUDS)
