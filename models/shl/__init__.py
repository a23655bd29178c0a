"""SMART Health Links: links, their encrypted files, single-use locations, and who fetched what."""

from models.shl.fetches import FetchKind, HealthLinkFetch, HealthLinkLocation
from models.shl.links import HealthLink, HealthLinkFile

__all__ = ["FetchKind", "HealthLink", "HealthLinkFetch", "HealthLinkFile", "HealthLinkLocation"]
