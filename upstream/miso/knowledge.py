"""The client of a knowledge base: documents with segments, made when they are indexed, taken out again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from upstream.http.exchange import HttpResponse
from upstream.miso import answers
from upstream.miso.connection import MisoCallLimits, MisoConnection, path_of
from upstream.miso.errors import MisoAnswerInvalid

_LIMITS = MisoCallLimits(30.0)
# Where the keyword is not heeded, a dataset is looked through so far.
_PER_PAGE, _MOST_PAGES = 100, 20
_RULES = {
    "pre_processing_rules": [
        {"id": "remove_extra_spaces", "enabled": True},
        {"id": "remove_urls_emails", "enabled": True},
    ],
    "segmentation": {"separator": "###", "max_tokens": 2000},
}


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A document as MISO knows it now. Segments are taken once it is indexed."""

    document_id: str
    is_indexed: bool


class MisoKnowledge:
    """Of one dataset. Safe to share between threads; every call raises MisoError."""

    def __init__(self, base_url: str, api_key: str, dataset_id: str, *, http: httpx.Client | None = None) -> None:
        self._connection = MisoConnection(base_url, api_key, http)
        self._docs = f"/datasets{path_of(dataset_id)}/docs"

    def abort_all(self) -> None:
        """For a process that stops: every call under way ends at once."""
        self._connection.abort_all()

    def close(self) -> None:
        self._connection.close()

    def add_document(self, name: str, text: str) -> str:
        """Its id."""
        body = {
            "name": name,
            "text": text,
            "indexing_type": "high_quality",
            "process_rule": {"mode": "custom", "rules": _RULES},
        }
        answer = answers.read_answer(self._post(f"{self._docs}/text", body))
        document = answer.get("document")
        document_id = document.get("id") if isinstance(document, dict) else None
        if not isinstance(document_id, str) or not document_id:
            raise MisoAnswerInvalid(reason="no_outputs")
        return document_id

    def find_document(self, name: str) -> FoundDocument | None:
        """One of exactly this name; None once the whole list was looked through. A provider may heed neither keyword
        nor page, and say nothing of further ones: then it is over when a page brings nothing new. Beyond the last page
        that is looked at, whether there is one is not known: MisoAnswerInvalid."""
        seen: set[object] = set()
        for page in range(1, _MOST_PAGES + 1):
            query = {"keyword": name, "page": str(page), "limit": str(_PER_PAGE)}
            answer = answers.read_answer(self._connection.call("GET", self._docs, _LIMITS, query=query))
            listed = answer.get("data")
            entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            found = next((one for one in entries if one.get("name") == name), None)
            if found is not None:
                return _read_document(found)
            new = {str(one.get("id")) for one in entries} - seen
            if not new or answer.get("has_more") is False:
                return None
            seen |= new
        raise MisoAnswerInvalid(reason="too_many_documents")

    def add_segments(self, document_id: str, contents: Sequence[str]) -> None:
        segments = [{"content": content, "keywords": []} for content in contents]
        answers.read_answer(self._post(f"{self._docs}{path_of(document_id)}/segments", {"segments": segments}))

    def delete_document(self, document_id: str) -> None:
        """Also one that is gone already."""
        reply = self._connection.call("DELETE", f"{self._docs}{path_of(document_id)}", _LIMITS)
        if reply.status != 404 and not 200 <= reply.status < 300:
            raise answers.read_refusal(reply)

    def _post(self, path: str, body: dict[str, Any]) -> HttpResponse:
        return self._connection.call("POST", path, _LIMITS, body=body)


def _read_document(entry: Mapping[str, Any]) -> FoundDocument:
    """Raises MisoAnswerInvalid."""
    document_id = entry.get("id")
    if not isinstance(document_id, str) or not document_id:
        raise MisoAnswerInvalid(reason="no_outputs")
    return FoundDocument(document_id, entry.get("indexing_status") == "completed")
