"""One's threads: making, listing and closing them, who is in them, and where everybody stands."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core.names import thread_subject
from models.threads import MemberRole
from services.threads.acting import AuditedAttempt
from services.threads.audit_chain import AuditAction
from services.threads.creating import close_thread, create_thread
from services.threads.devices import describe_device, find_devices
from services.threads.keysets import read_keyset
from services.threads.membership import NewMember, add_member, change_role, remove_member
from services.threads.reading import acknowledge, describe_created, describe_status, describe_threads
from webapp.api.documented import SECURITY_THREADS, fails
from webapp.api.threads.blobs import blob_room
from webapp.api.threads.bounds import count_act
from webapp.api.threads.schemas.keys import MeOutput
from webapp.api.threads.schemas.threads import (
    ADD_MEMBER_BODY_MAX_BYTES,
    REMOVE_MEMBER_BODY_MAX_BYTES,
    AckedOutput,
    AckInput,
    AddMemberInput,
    ChangeRoleInput,
    CreatedThreadOutput,
    CreateThreadInput,
    DoneOutput,
    OwnThreadsOutput,
    RemoveMemberInput,
    ThreadStatusOutput,
)
from webapp.auth.thread_members import KnownMember, for_known
from webapp.bodies import bounded_by_caller, takes_json
from webapp.current import stores
from webapp.limits import count_use

blueprint = Blueprint("threads", __name__, url_prefix="/api/threads", description="Encrypted threads")


@blueprint.get("/me")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.response(200, MeOutput)
@fails(blueprint, 401)
def show_me(known: KnownMember) -> dict[str, Any]:
    """Who I am in threads, and my devices."""
    with stores().sessions() as session:
        devices = [describe_device(one) for one in find_devices(session, [known.member])]
    return {"success": True, "memberId": known.member, "devices": devices}


@blueprint.post("")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.arguments(CreateThreadInput, error_status_code=400)
@blueprint.response(201, CreatedThreadOutput)
@blueprint.alt_response(200, schema=CreatedThreadOutput, description="The same `requestId` again: the same thread.")
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415, 429)
def create(known: KnownMember, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """With others; I become its owner."""
    others = {one["memberId"]: MemberRole(one["role"]) for one in body["members"]}
    with stores().threads(known.as_caller()) as unit:
        thread_id, is_new = create_thread(unit, UUID(body["requestId"]), others, stores().service_member)
        if is_new:  # beyond the limit it is rolled back
            count_use(stores().settings.threads.create_limit, "thread-create", known.member)
        described = describe_created(unit, thread_id)
    return {"success": True, **described}, 201 if is_new else 200


@blueprint.get("")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.response(200, OwnThreadsOutput)
@fails(blueprint, 401)
def show_threads(known: KnownMember) -> dict[str, Any]:
    """Mine, with where they end and what I have read: one call tells where news are."""
    with stores().threads(known.as_caller()) as unit:
        return {"success": True, "threads": describe_threads(unit)}


@blueprint.get("/<string:thread_id>/status")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.response(200, ThreadStatusOutput)
@fails(blueprint, 401, 404)
def show_status(known: KnownMember, thread_id: str) -> dict[str, Any]:
    """Members, what they have acknowledged, and which numbers of a sending device have not come."""
    with stores().threads(known.as_caller()) as unit:
        return {"success": True, **describe_status(unit, thread_id)}


@blueprint.post("/<string:thread_id>/ack")
@blueprint.doc(security=SECURITY_THREADS)
@bounded_by_caller
@for_known
@blueprint.arguments(AckInput, error_status_code=400)
@blueprint.response(200, AckedOutput)
@fails(blueprint, 400, 401, 403, 404, 413, 415, 429)
def ack(known: KnownMember, body: dict[str, Any], thread_id: str) -> dict[str, Any]:
    """Up to a number; it never falls."""
    count_act(known)
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.ACK, thread_id)) as unit:
        return {"success": True, "ackedSeq": acknowledge(unit, thread_id, body["seq"])}


@blueprint.post("/<string:thread_id>/members")
@blueprint.doc(security=SECURITY_THREADS)
@takes_json(ADD_MEMBER_BODY_MAX_BYTES)
@bounded_by_caller
@for_known
@blueprint.arguments(AddMemberInput, error_status_code=400)
@blueprint.response(201, DoneOutput)
@blueprint.alt_response(200, schema=DoneOutput, description="They were in already, as this.")
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415, 429)
def join_member(known: KnownMember, body: dict[str, Any], thread_id: str) -> tuple[dict[str, Any], int]:
    """With the history and its wraps, or from now on with a new generation of the key. Another role of somebody who is
    in is refused: `members/role` changes it; so is another history: who is removed can be added with it."""
    count_act(known)
    new = NewMember(
        member=body["memberId"],
        role=MemberRole(body["role"]),
        with_history=body["history"] == "all",
        wraps=[(one["kid"], one["deviceId"], one["wrapped"]) for one in body["wraps"]],
        keyset=read_keyset(thread_id, body["keyset"]) if body["keyset"] else None,
    )
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.MEMBER_ADD, thread_id)) as unit:
        is_new = add_member(unit, thread_id, new, stores().service_member)
    return {"success": True}, 201 if is_new else 200


@blueprint.post("/<string:thread_id>/members/role")
@blueprint.doc(security=SECURITY_THREADS)
@bounded_by_caller
@for_known
@blueprint.arguments(ChangeRoleInput, error_status_code=400)
@blueprint.response(200, DoneOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415, 429)
def set_role(known: KnownMember, body: dict[str, Any], thread_id: str) -> dict[str, Any]:
    """The last owner stays one."""
    count_act(known)
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.ROLE_CHANGE, thread_id)) as unit:
        change_role(unit, thread_id, body["memberId"], MemberRole(body["role"]))
    return {"success": True}


@blueprint.post("/<string:thread_id>/members/remove")
@blueprint.doc(security=SECURITY_THREADS)
@takes_json(REMOVE_MEMBER_BODY_MAX_BYTES)
@bounded_by_caller
@for_known
@blueprint.arguments(RemoveMemberInput, error_status_code=400)
@blueprint.response(200, DoneOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415, 429)
def drop_member(known: KnownMember, body: dict[str, Any], thread_id: str) -> dict[str, Any]:
    """Somebody, with the keyset of those who stay; or oneself, without."""
    count_act(known)
    keyset = read_keyset(thread_id, body["keyset"]) if body["keyset"] else None
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.MEMBER_REMOVE, thread_id)) as unit:
        remove_member(unit, thread_id, body["memberId"], keyset, stores().service_member)
    return {"success": True}


@blueprint.delete("/<string:thread_id>")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.response(204)
@fails(blueprint, 401, 403, 404, 429)
def close(known: KnownMember, thread_id: str) -> Response:
    """For everybody: what was written is erased; its members hear `closed`. Without Redis, too: what may be left there
    is deleted by the sweeper, and files by the hourly task."""
    count_act(known)
    here = stores()
    with here.threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.DELETE, thread_id)) as unit:
        file_ids = close_thread(unit, thread_id)
    blob_room().drop_closed(file_ids)
    here.sender.forget(thread_subject(thread_id))
    return Response(status=204)
