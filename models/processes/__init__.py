"""Processes and their leases."""

from models.processes.leases import ProcessLease

__all__ = [
    "ProcessLease",
]
