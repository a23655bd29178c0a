"""An address of Sentinels says where they are, which group is meant, and how to sign in, for Redis and for kombu."""

import pytest
from kombu.connection import Connection

from core.broker import BrokerAddress
from core.sentinels import SentinelGroup, finder_of

THREE = "sentinel://:p%40ss@one:1/3;sentinel://two;sentinel://three:3?master_name=records"


def test_what_one_address_says_counts_for_all():
    group = SentinelGroup.of_url(THREE)
    assert group.sentinels == (("one", 1), ("two", 26379), ("three", 3))
    assert (group.name, group.database, group.username, group.password) == ("records", 3, None, "p@ss")


def test_a_group_without_a_name_has_the_usual_one():
    assert SentinelGroup.of_url("sentinel://one").name == "mymaster"


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ("sentinel://:other@one/1;sentinel://two", True),
        ("sentinel://two;sentinel://me:secret@one?sentinel_password=own", True),
        ("sentinel://one;sentinel://two?master_name=records", False),
        ("sentinel://one;sentinel://three", False),
    ],
)
def test_all_addresses_of_a_group_learn_of_its_primary_together(other: str, is_same: bool):
    one, two = (finder_of(SentinelGroup.of_url(text)) for text in ("sentinel://:secret@one;sentinel://two", other))
    assert (one is two, one.key == two.key) == (is_same, is_same)


def test_passwords_are_not_shown():
    group = SentinelGroup.of_url(f"{THREE}&sentinel_password=hidden")
    address = BrokerAddress.of_url(f"{THREE}&sentinel_password=hidden")
    assert not any(secret in f"{group}{address}" for secret in ("p@ss", "p%40ss", "hidden"))


@pytest.mark.parametrize(
    "text",
    [
        "sentinel://one/1;sentinel://two/2",
        "sentinel://:a@one;sentinel://:b@two",
        "sentinel://one?master_name=a;sentinel://two?master_name=b",
        "sentinel://one?master_name=",
        "sentinel://one?socket_timeout=3",
    ],
)
def test_addresses_that_contradict_each_other_or_say_more_are_refused(text: str):
    with pytest.raises(ValueError, match=r"must name one|unknown option"):
        SentinelGroup.of_url(text)


def test_kombu_finds_password_and_database_in_each_address():
    address = BrokerAddress.of_url(THREE)
    connection = Connection(address.url, transport_options=address.transport_options)
    for _ in range(3):
        assert (connection.password, connection.virtual_host) == ("p@ss", "3")
        connection.maybe_switch_next()
    assert address.transport_options == {"master_name": "records"}


def test_kombu_signs_in_at_sentinels_as_well():
    address = BrokerAddress.of_url(f"{THREE}&sentinel_username=watch&sentinel_password=hidden")
    assert address.transport_options["sentinel_kwargs"] == {"username": "watch", "password": "hidden"}


@pytest.mark.parametrize("url", ["redis://:a@h:1/0", "amqp://a:b@one//;amqp://a:b@two//"])
def test_other_addresses_are_kombus_own(url: str):
    assert BrokerAddress.of_url(url) == BrokerAddress(url, {})
