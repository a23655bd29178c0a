"""A worker behind the proxies has other ports to the stores, and nothing else is changed."""

from dev.bench.chaos.proxied_command import rewrite


def test_only_the_ports_of_the_stores_are_exchanged():
    stores = {"DATABASE_URL": "postgresql://u:p@h:1111/d", "REDIS_URL": "redis://h:2222/0"}
    changed = rewrite(stores | {"CELERY_BROKER_URL": "redis://h:2222/0", "OTHER": ":1111/"}, "1111:3,2222:4")
    assert changed["DATABASE_URL"] == "postgresql://u:p@h:3/d"
    assert changed["REDIS_URL"] == changed["CELERY_BROKER_URL"] == "redis://h:4/0"
    assert changed["OTHER"] == ":1111/"
