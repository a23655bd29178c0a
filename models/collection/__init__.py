"""Runs of a collection and their states."""

from models.collection.runs import CollectionRun, CollectionStep, RunState

__all__ = [
    "CollectionRun",
    "CollectionStep",
    "RunState",
]
