"""The knowledge base's calls, and the upload of files."""

import time
import uuid
from pathlib import PurePath
from typing import Any

from aiohttp import web

from dev.sandbox.miso.documents import KnowledgeDocument
from dev.sandbox.miso.errors import MisoRefusalError, not_found
from dev.sandbox.miso.exchange import MisoExchange
from dev.sandbox.replies import Reply, json_reply

LARGEST_UPLOAD_BYTES = 15 * 1024 * 1024
_USUAL_PER_PAGE, _MOST_PER_PAGE = 20, 100
_EXTENSIONS = frozenset(
    {
        *("txt", "md", "pdf", "html", "xlsx", "xls", "docx", "csv", "eml", "msg", "pptx", "ppt", "xml", "epub"),
        *("png", "jpg", "jpeg", "mp3", "mp4", "wav"),
    }
)


async def add_document(exchange: MisoExchange) -> web.StreamResponse:
    document = KnowledgeDocument(exchange.text("name"), exchange.text("text"))
    exchange.state.documents.add(exchange.request.match_info["dataset_id"], document)
    return await exchange.give(json_reply({"document": document.describe(), "batch": document.document_id[:8]}))


async def list_documents(exchange: MisoExchange) -> web.StreamResponse:
    query = exchange.request.query
    page, limit = _whole(query.get("page"), 1), min(_whole(query.get("limit"), _USUAL_PER_PAGE), _MOST_PER_PAGE)
    known = exchange.state.documents.list(exchange.request.match_info["dataset_id"])
    matching = [one for one in known if query.get("keyword", "") in one.name]
    shown = matching[(page - 1) * limit : page * limit]
    about = {"has_more": page * limit < len(matching), "total": len(matching), "page": page, "limit": limit}
    return await exchange.give(json_reply({"data": [one.describe() for one in shown], **about}))


def _whole(given: str | None, usual: int) -> int:
    return int(given) if given and given.isdecimal() and int(given) else usual


async def add_segments(exchange: MisoExchange) -> web.StreamResponse:
    document = _find(exchange)
    given = exchange.fields.get("segments")
    if not isinstance(given, list) or any(not _is_segment(one) for one in given):
        raise MisoRefusalError("invalid_param", "segments must be a list of objects with content")
    if not document.is_indexed:
        raise MisoRefusalError("invalid_param", "the document is not completed yet")
    added = [
        {"id": str(uuid.uuid4()), "position": at, **one} for at, one in enumerate(given, len(document.segments) + 1)
    ]
    document.segments += added
    return await exchange.give(json_reply({"data": added, "doc_form": "text_model"}))


def _is_segment(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("content"), str) and bool(one["content"])


async def remove_document(exchange: MisoExchange) -> web.StreamResponse:
    places = exchange.request.match_info
    if not exchange.state.documents.remove(places["dataset_id"], places["document_id"]):
        raise not_found()
    return await exchange.give(Reply(204, ()))


def _find(exchange: MisoExchange) -> KnowledgeDocument:
    places = exchange.request.match_info
    document = exchange.state.documents.find(places["dataset_id"], places["document_id"])
    if document is None:
        raise not_found()
    return document


async def upload_file(exchange: MisoExchange) -> web.StreamResponse:
    form = await exchange.request.post()
    files = [one for one in form.getall("file", []) if isinstance(one, web.FileField)]
    if not files:
        raise MisoRefusalError("no_file_uploaded", "Please upload your file.")
    if len(files) > 1:
        raise MisoRefusalError("too_many_files", "Only one file is allowed.")
    return await exchange.give(json_reply(_describe_file(files[0], str(form.get("user") or "")), 201))


def _describe_file(file: web.FileField, user: str) -> dict[str, Any]:
    file.file.seek(0)
    content = file.file.read()
    extension = PurePath(file.filename).suffix.removeprefix(".").lower()
    if len(content) > LARGEST_UPLOAD_BYTES:
        raise MisoRefusalError("file_too_large", "File size exceeded.", 413)
    if extension not in _EXTENSIONS:
        raise MisoRefusalError("unsupported_file_type", "File type not allowed.", 415)
    return {
        "id": str(uuid.uuid4()),
        "name": file.filename,
        "size": len(content),
        "extension": extension,
        "mime_type": file.content_type,
        "created_by": user or str(uuid.uuid4()),
        "created_at": int(time.time()),
    }
