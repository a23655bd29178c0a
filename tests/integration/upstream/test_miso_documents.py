"""Finding a document where MISO lists more of them than one page, and says as little of it as its documentation."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.upstream.peer import Handler, Peer
from upstream.miso.errors import MisoAnswerInvalid
from upstream.miso.knowledge import MisoKnowledge

Serve = Callable[..., None]


@pytest.fixture
def knowledge(peer: Peer) -> Iterator[MisoKnowledge]:
    client = MisoKnowledge(peer.url, "a-key", "set")
    yield client
    client.close()


@pytest.fixture
def serve(peer: Peer) -> Serve:
    def make(count: int, *, pages: bool = True, **more: Any) -> None:
        """So many documents, of which no keyword holds any back."""
        known = [{"id": f"id-{one}", "name": f"name {one}", "indexing_status": "completed"} for one in range(count)]

        def answer(handler: Handler) -> None:
            query = parse_qs(urlsplit(handler.path).query)
            page, limit = int(query["page"][0]), int(query["limit"][0])
            shown = known[(page - 1) * limit : page * limit] if pages else known[:limit]
            handler.give(200, json.dumps({"data": shown, **more}).encode())

        peer.answer_key = answer

    return make


@pytest.mark.parametrize(
    "more", [{}, {"has_more": True}], ids=["says nothing of more", "always says that there are more"]
)
def test_one_on_a_later_page_is_found(knowledge: MisoKnowledge, serve: Serve, peer: Peer, more: dict[str, Any]):
    serve(250, **more)
    found = knowledge.find_document("name 249")
    assert found is not None
    assert (found.document_id, found.is_indexed, len(peer.keys_asked)) == ("id-249", True, 3)


def test_one_is_not_there_once_a_page_brings_nothing_new(knowledge: MisoKnowledge, serve: Serve, peer: Peer):
    serve(250)
    assert (knowledge.find_document("another"), len(peer.keys_asked)) == (None, 4)


def test_a_provider_without_pages_is_asked_twice(knowledge: MisoKnowledge, serve: Serve, peer: Peer):
    serve(250, pages=False)
    assert (knowledge.find_document("another"), len(peer.keys_asked)) == (None, 2)


def test_the_last_page_by_its_own_word_is_the_last(knowledge: MisoKnowledge, serve: Serve, peer: Peer):
    serve(10, has_more=False)
    assert (knowledge.find_document("another"), len(peer.keys_asked)) == (None, 1)


def test_beyond_what_is_looked_at_nobody_says_that_it_is_not_there(knowledge: MisoKnowledge, serve: Serve):
    """Else it would be made anew, again and again, and the text of an erased interview would stay."""
    serve(2001)
    with pytest.raises(MisoAnswerInvalid) as unknown:
        knowledge.find_document("another")
    assert unknown.value.reason == "too_many_documents"
