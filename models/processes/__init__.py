"""Processes and their leases, and the proof that the database takes writes."""

from models.processes.leases import ProcessLease
from models.processes.write_probe import WriteProbe

__all__ = [
    "ProcessLease",
    "WriteProbe",
]
