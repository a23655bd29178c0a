"""How a device is made slow: lines for `tc -batch`, decided from what is to be slow and what the kernel can."""

from collections.abc import Mapping

from dev.hosts.faults import Slowness

_ROOT, _HOST_CLASS = "1:", "1:1"
# Of a class whose packets are delayed and not held back.
_UNBOUNDED = "rate 10gbit"


def clear_queue(device: str) -> str:
    return f"qdisc delete dev {device} root"


def describe_queue(
    device: str, host: Slowness | None, links: Mapping[str, Slowness], *, can_delay: bool
) -> tuple[str, ...]:
    """For a device that has none; empty where nothing is slow. `links` are by the addresses that are sent to.

    HTB and u32, as some kernels have no prio and no flower: what no filter names goes to the host's class, or past
    all of them. Without netem a class lets few bits a second pass instead.
    """
    if host is None and not links:
        return ()
    lines = [f"qdisc add dev {device} root handle {_ROOT} htb default {1 if host else 0}"]
    if host is not None:
        lines += _describe_class(device, _HOST_CLASS, host, can_delay=can_delay)
    for number, (address, slowness) in enumerate(sorted(links.items()), start=2):
        name = f"1:{number:x}"
        lines += _describe_class(device, name, slowness, can_delay=can_delay)
        lines.append(
            f"filter add dev {device} parent {_ROOT} protocol ip prio 1 u32 match ip dst {address}/32 flowid {name}"
        )
    return tuple(lines)


def _describe_class(device: str, name: str, slowness: Slowness, *, can_delay: bool) -> list[str]:
    rate = _UNBOUNDED if can_delay else f"rate {slowness.rate_kbit}kbit burst 8kb"
    lines = [f"class add dev {device} parent {_ROOT} classid {name} htb {rate}"]
    if can_delay:
        lines.append(f"qdisc add dev {device} parent {name} netem delay {slowness.delay_ms}ms limit 10000")
    return lines


def describe_slowness(slowness: Slowness, *, can_delay: bool) -> str:
    """For the person."""
    if can_delay:
        return f"{slowness.delay_ms} ms later each way (netem)"
    return f"this kernel has no netem, so nothing is delayed: {slowness.rate_kbit} kbit/s each way instead (htb)"
