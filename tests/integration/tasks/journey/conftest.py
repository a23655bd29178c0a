"""Stores for the journey's jobs and threads, which commit."""

from tests.integration.services.journey.conftest import stores

__all__ = ["stores"]
