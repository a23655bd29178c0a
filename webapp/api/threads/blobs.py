"""Larger things of threads: sent in parts, told as whole, read in ranges."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, after_this_request, request
from flask_smorest import Blueprint

from core.logs import get_logger
from services.threads.blobs import LAST_PART, PART_MAX_BYTES, BlobRoom, StoredBlob
from spool import SpoolError
from webapp.api.documented import SECURITY_THREADS, fails
from webapp.api.threads.bounds import count_act
from webapp.api.threads.schemas.blobs import CompleteBlobInput, CompletedBlobOutput, StoredPartOutput
from webapp.auth.thread_members import KnownMember, for_known
from webapp.bodies import bounded_by_caller, let_rest_come, read_stream, takes_stream
from webapp.byte_ranges import ByteRange, UnsatisfiableRange, find_range
from webapp.current import parts, stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.offloop import run_off_loop

log = get_logger(__name__)
blueprint = Blueprint("threads_blobs", __name__, url_prefix="/api/threads", description="Larger things of threads")
_OCTETS = "application/octet-stream"
_BINARY = {"type": "string", "format": "binary"}
_BODY = {"required": True, "content": {_OCTETS: {"schema": _BINARY}}}


@blueprint.put("/<string:thread_id>/blobs/<uuid:blob_id>/parts/<int:number>")
@blueprint.doc(security=SECURITY_THREADS, requestBody=_BODY)
@takes_stream(PART_MAX_BYTES, Code.BODY_TOO_LARGE)
@for_known
@blueprint.response(200, StoredPartOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 429)
def put_part(known: KnownMember, thread_id: str, blob_id: UUID, number: int) -> dict[str, Any]:
    """The next octets of what was encrypted; parts are counted from 1, or from 0. On the disk when this is answered;
    the same again changes nothing. A day after its last part an upload that is not complete is removed."""
    let_rest_come()  # a browser that is cut off while it sends would not see why it is refused
    count_act(known)
    if number > LAST_PART:
        raise ApiError(Code.VALIDATION_FAILED, details={"part": [f"{LAST_PART}까지 보낼 수 있어요."]})
    blob_room().put_part(known.as_caller(), thread_id, blob_id, number, _read_octets())
    return {"success": True, "blobId": str(blob_id), "part": number}


@blueprint.post("/<string:thread_id>/blobs/<uuid:blob_id>/complete")
@blueprint.doc(security=SECURITY_THREADS)
@bounded_by_caller
@for_known
@blueprint.arguments(CompleteBlobInput, error_status_code=400)
@blueprint.response(200, CompletedBlobOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415, 429)
def complete(known: KnownMember, body: dict[str, Any], thread_id: str, blob_id: UUID) -> dict[str, Any]:
    """That these are all parts, and what they are together: read back and compared. From then on others may read it,
    and nobody may change it."""
    count_act(known)
    sealed_hash = body["sealedHash"]
    size = blob_room().complete(known.as_caller(), thread_id, blob_id, count=body["parts"], sealed_hash=sealed_hash)
    return {"success": True, "blobId": str(blob_id), "size": size, "sealedHash": sealed_hash}


@blueprint.get("/<string:thread_id>/blobs/<uuid:blob_id>")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.response(200, _BINARY, content_type=_OCTETS)
@blueprint.alt_response(206, schema=_BINARY, content_type=_OCTETS, description="The range that was asked for.")
@blueprint.alt_response(304, schema={}, description="`If-None-Match` names it.")
@fails(blueprint, 401, 404, 416, 429)
def show_blob(known: KnownMember, thread_id: str, blob_id: UUID) -> Response:
    """What was encrypted, or one range of it: `Range`, with `If-Range` and the `ETag`."""
    count_act(known)
    blob = blob_room().open(known.as_caller(), thread_id, blob_id)
    etag = blob.sealed_hash.removeprefix("sha256:")
    if request.if_none_match.contains_weak(etag):
        return _describe(Response(status=304), etag)
    wanted = _find_range(etag, blob)
    whole = wanted or ByteRange(0, blob.size)
    response = Response(_begin(blob, whole), 200 if wanted is None else 206, content_type=_OCTETS)
    response.content_length = whole.end - whole.first
    if wanted is not None:
        response.headers["Content-Range"] = wanted.content_range(blob.size)
    return _describe(response, etag)


def blob_room() -> BlobRoom:
    return BlobRoom(stores().threads, parts().spool.blobs, run_off_loop)


def _read_octets() -> bytes:
    """Raises ApiError; ClientDisconnected where the sender was cut off."""
    data = read_stream(PART_MAX_BYTES)
    if not data:
        raise ApiError(Code.VALIDATION_FAILED, details={"body": ["내용을 보내 주세요."]})
    return data


def _find_range(etag: str, blob: StoredBlob) -> ByteRange | None:
    """Raises ApiError."""
    try:
        return find_range(request, etag, blob.size)
    except UnsatisfiableRange as exc:

        @after_this_request
        def tell_length(response: Response) -> Response:
            response.headers["Content-Range"] = f"bytes */{blob.size}"
            return response

        raise ApiError(Code.RANGE_NOT_SATISFIABLE) from exc


def _begin(blob: StoredBlob, wanted: ByteRange) -> Iterator[bytes]:
    """The first part is read before anything is answered. What fails later cuts the answer short of its length."""
    pieces = blob.read(parts().spool.blobs, wanted.first, wanted.end, run_off_loop)
    if request.method == "HEAD":
        return iter(())
    return _follow(next(pieces), pieces)


def _follow(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    try:
        yield from pieces
    except SpoolError as exc:
        log.error("thread_blob_cut", reason=exc.reason)  # noqa: TRY400 it says it all
        raise


def _describe(response: Response, etag: str) -> Response:
    response.set_etag(etag)
    response.headers["Accept-Ranges"] = "bytes"
    return response
