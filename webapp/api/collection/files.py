"""Files of the spool, for operators: what there is, one file's history, retry, discard, clean up."""

from typing import Any

from flask import g
from flask_smorest import Blueprint

from core.logs import get_logger
from core.names import Task
from spool import FileInfo, Folder, UnknownFile
from webapp.api.collection.schemas.files import CleanInput, CleanOutput, FileOutput, FilesOutput, FilesQuery
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.auth import for_operator
from webapp.current import parts, stores

log = get_logger(__name__)
blueprint = Blueprint("files", __name__, url_prefix="/api/v1/admin/files", description="For operators")


@blueprint.get("")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator
@blueprint.arguments(FilesQuery, location="query", error_status_code=400)
@blueprint.response(200, FilesOutput)
@fails(blueprint, 400, 401, 403)
def list_files(_staff: str, query: dict[str, Any]) -> dict[str, Any]:
    """Counts by state, and the files that failed or wait."""
    spool = parts().spool
    listing = spool.list_pending if query["folder"] == Folder.PENDING else spool.list_failed
    return {"success": True, "counts": spool.counts(), "files": _histories(listing(query["limit"]))}


@blueprint.get("/<string:name>")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator
@blueprint.response(200, FileOutput)
@fails(blueprint, 401, 403, 404)
def show_file(_staff: str, name: str) -> dict[str, Any]:
    """One file's history: each try and why it failed."""
    return {"success": True, "file": parts().spool.describe(name)}


@blueprint.post("/<string:name>/retry")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator
@blueprint.response(202, FileOutput)
@fails(blueprint, 401, 403, 404, 409, 413)
def retry_file(staff: str, name: str) -> dict[str, Any]:
    """Import it now. A parked file gets one more try."""
    info = parts().spool.requeue(name)
    with stores().unit_of_work() as work:
        work.send(Task.IMPORT_FILE, name, g.request_id)
    log.info("file_requeued", file=name, by=staff)
    return {"success": True, "file": info}


@blueprint.post("/<string:name>/discard")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator
@blueprint.response(200, FileOutput)
@fails(blueprint, 401, 403, 404, 409, 413)
def discard_file(staff: str, name: str) -> dict[str, Any]:
    """Delete one parked file for good."""
    return {"success": True, "file": parts().spool.discard(name, by=staff)}


@blueprint.post("/clean")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator
@blueprint.arguments(CleanInput, error_status_code=400)
@blueprint.response(200, CleanOutput)
@fails(blueprint, 400, 401, 403, 413, 415)
def clean_files(staff: str, body: dict[str, int]) -> dict[str, Any]:
    """Remove completed files older than so many days, seven at least."""
    removed = parts().spool.clean_completed(body["older_than_days"])
    log.info("completed_files_removed", removed=removed, by=staff)
    return {"success": True, "removed": removed}


def _histories(names: list[str]) -> list[FileInfo]:
    found = []
    for name in names:
        try:
            found.append(parts().spool.describe(name))
        except UnknownFile:
            continue  # moved on or discarded since the folder was read
    return found
