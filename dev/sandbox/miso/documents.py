"""The knowledge base: documents with their segments, indexed a moment after they came."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

INDEXING_SECONDS = 0.3


@dataclass(slots=True)
class KnowledgeDocument:
    name: str
    text: str
    document_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: int = field(default_factory=lambda: int(time.time()))
    segments: list[dict[str, Any]] = field(default_factory=list)
    _since: float = field(default_factory=time.monotonic)

    @property
    def is_indexed(self) -> bool:
        return time.monotonic() - self._since >= INDEXING_SECONDS

    def describe(self) -> dict[str, Any]:
        return {
            "id": self.document_id,
            "name": self.name,
            "indexing_status": "completed" if self.is_indexed else "indexing",
            "word_count": len(self.text),
            "created_at": self.created_at,
            "enabled": True,
        }


class Documents:
    def __init__(self) -> None:
        self._datasets: dict[str, dict[str, KnowledgeDocument]] = {}

    def add(self, dataset_id: str, document: KnowledgeDocument) -> None:
        self._datasets.setdefault(dataset_id, {})[document.document_id] = document

    def find(self, dataset_id: str, document_id: str) -> KnowledgeDocument | None:
        return self._datasets.get(dataset_id, {}).get(document_id)

    def remove(self, dataset_id: str, document_id: str) -> bool:
        return self._datasets.get(dataset_id, {}).pop(document_id, None) is not None

    def list(self, dataset_id: str) -> list[KnowledgeDocument]:
        return list(self._datasets.get(dataset_id, {}).values())
