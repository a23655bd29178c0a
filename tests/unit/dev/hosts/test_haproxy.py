"""The configuration of haproxy."""

from dev.hosts.haproxy import write_config
from dev.hosts.topology import NAMESPACES, HostRole, lay_out


def test_it_listens_on_its_host_alone_and_asks_each_web_host_for_itself_alone():
    config = write_config("10.77.0.71", lay_out(NAMESPACES).of(HostRole.WEB), 8000)
    assert config.count("bind ") == 1
    assert "bind 10.77.0.71:8000\n" in config
    assert "httpchk GET /readyz/process\n" in config
    assert "server web-1 10.77.0.61:8000 check\n    server web-2 10.77.0.62:8000 check\n" in config
