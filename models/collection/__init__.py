"""Runs of a collection and their states."""

from models.collection.pushes import Push
from models.collection.runs import CollectionRun, CollectionStep, FromNow, PaidAgain, RunState

__all__ = [
    "CollectionRun",
    "CollectionStep",
    "FromNow",
    "PaidAgain",
    "Push",
    "RunState",
]
