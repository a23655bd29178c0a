"""The configuration of haproxy."""

from pathlib import Path

from dev.hosts.haproxy import Behind, write_config
from dev.hosts.topology import NAMESPACES, HostRole, lay_out

HOSTS = lay_out(NAMESPACES)
SOCKET = Path("/run/haproxy/admin.sock")
CONFIG = write_config("10.77.0.71", Behind(HOSTS.of(HostRole.WEB), 8000, 8001, HOSTS.running("flower"), 5555), SOCKET)


def test_it_listens_on_its_host_alone():
    assert CONFIG.count("bind ") == CONFIG.count("bind 10.77.0.71:") == 2


def test_it_asks_each_web_host_for_itself_alone():
    assert "bind 10.77.0.71:8000\n" in CONFIG
    assert "httpchk GET /readyz/process\n" in CONFIG
    assert "server web-1 10.77.0.61:8000 check\n    server web-2 10.77.0.62:8000 check\n" in CONFIG


def test_flower_is_asked_at_a_port_of_its_own_under_a_name_that_it_knows():
    assert "bind 10.77.0.71:5555\n    default_backend flower\n" in CONFIG
    assert "uri /healthcheck ver HTTP/1.1 hdr Host 10.77.0.51:5555\n" in CONFIG


def test_a_second_release_is_asked_only_when_it_is_told_so():
    assert "server web-1-green 10.77.0.61:8001 check disabled\n" in CONFIG
    assert "stats socket /run/haproxy/admin.sock mode 600 level admin\n" in CONFIG
