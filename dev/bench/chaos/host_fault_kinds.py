"""The kinds of faults that befall hosts and their network."""

from enum import StrEnum


class HostFaultKind(StrEnum):
    """`killed` is as with the power cut; `with_disk`: it comes back with nothing of what it had."""

    WORKER_KILLED = "worker_host_killed_with_disk"
    WORKER_CUT = "worker_host_cut"
    WEB_KILLED = "web_host_killed"
    WEB_CUT = "web_host_cut"
    VALKEY_KILLED = "valkey_host_killed"
    VALKEY_LOST = "valkey_host_killed_with_disk"
    VALKEY_CUT = "valkey_host_cut"
    RABBITMQ_KILLED = "rabbitmq_host_killed"
    RABBITMQ_LOST = "rabbitmq_host_killed_with_disk"
    RABBITMQ_CUT = "rabbitmq_host_cut"
    OBJECTS_LOST = "objects_host_killed_with_disk"
    OBJECTS_CUT = "objects_host_cut"
    STANDBY_LOST = "standby_host_killed_with_disk"
    PRIMARY_CUT = "primary_host_cut"
    PRIMARY_REPLACED = "primary_host_killed_and_standby_promoted"
    LINK_CUT = "link_cut"
    LINK_CUT_ONE_WAY = "link_cut_one_way"
    LINK_SLOW = "link_slow"
    CLOCK_SET = "clock_set"
