"""The tables and the decisions that need no input or output, a package per domain. Importing this knows all tables."""

from models import accounts, collection, delivery, interviews, journey, patients, processes, shl, threads, webhooks
from models.table import SCHEMA, Table

__all__ = [
    "SCHEMA",
    "Table",
    "accounts",
    "collection",
    "delivery",
    "interviews",
    "journey",
    "patients",
    "processes",
    "shl",
    "threads",
    "webhooks",
]
