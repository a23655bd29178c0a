"""The workloads that chaos can be run with, by name."""

from collections.abc import Callable

from dev.bench.chaos.workload import AnyWorkload, WorkloadOptions
from dev.bench.chaos.workloads.collection.workload import CollectionWorkload
from dev.bench.chaos.workloads.interviews.workload import InterviewsWorkload
from dev.bench.chaos.workloads.journey.workload import JourneyWorkload
from dev.bench.chaos.workloads.threads.workload import ThreadsWorkload

WORKLOADS: dict[str, Callable[[WorkloadOptions], AnyWorkload]] = {
    "collection": CollectionWorkload,
    "journey": JourneyWorkload,
    "interviews": InterviewsWorkload,
    "threads": ThreadsWorkload,
}

__all__ = ["WORKLOADS", "AnyWorkload", "WorkloadOptions"]
