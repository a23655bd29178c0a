"""Devices of members, and the keys of threads as they are stored."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, after_this_request
from flask_smorest import Blueprint

from models.threads import DeviceType
from services.threads.acting import AuditedAttempt
from services.threads.audit_chain import AuditAction
from services.threads.devices import approve_device, register_device, revoke_device
from services.threads.keysets import add_wraps, drop_wrap, make_keyset, read_keys, read_keyset
from services.threads.push_pass import grant_pass
from services.threads.reading import describe_devices
from services.threads.texts import DeviceApproval, DeviceClaim
from webapp.api.documented import SECURITY_THREADS, fails
from webapp.api.threads.bounds import count_act
from webapp.api.threads.schemas.keys import (
    KEYSET_BODY_MAX_BYTES,
    WRAPS_BODY_MAX_BYTES,
    ApproveInput,
    DeviceInput,
    DevicesOutput,
    DevicesQuery,
    DeviceStateOutput,
    KeysetInput,
    KeysOutput,
    KeysQuery,
    RegisteredOutput,
    WrapsInput,
)
from webapp.api.threads.schemas.threads import DoneOutput
from webapp.auth.push_pass import keep_push_cookie
from webapp.auth.thread_members import KnownMember, for_known, require_identified_now
from webapp.bodies import bounded_by_caller, takes_json
from webapp.current import stores

_IDENTIFIED_WITHIN = timedelta(minutes=5)
blueprint = Blueprint("threads_keys", __name__, url_prefix="/api/threads", description="Devices and keys of threads")


@blueprint.post("/devices")
@blueprint.doc(security=SECURITY_THREADS)
@bounded_by_caller
@for_known
@blueprint.arguments(DeviceInput, error_status_code=400)
@blueprint.response(201, RegisteredOutput)
@blueprint.alt_response(200, schema=RegisteredOutput, description="It is registered already.")
@fails(blueprint, 400, 401, 403, 409, 413, 415, 429)
def register(known: KnownMember, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The first one I ever had is active; a later one waits until an active one approves it. With `reset` it does not
    wait: for a patient whose session was approved on the phone no more than five minutes ago. An active one gets its
    push pass, also as a cookie, a new one each time, which ends none of the four before it: it pushes this device's
    envelopes after my login is over, and reads nothing. Without `pushPass` there is none: a browser that keeps no keys
    keeps no pass for them either."""
    count_act(known)
    claim = DeviceClaim(body["deviceId"], known.member, body["kemKey"], body["signKey"], body["createdAt"], body["sig"])
    if body["reset"]:
        require_identified_now(known, _IDENTIFIED_WITHIN)
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.DEVICE_ADD)) as unit:
        device, is_new = register_device(unit, claim, device_type=DeviceType(body["type"]), is_reset=body["reset"])
        token = grant_pass(unit, device) if body["pushPass"] else None
        told = {"success": True, "state": device.state}
    if token is not None:
        after_this_request(partial(keep_push_cookie, token=token))
        told["pushToken"] = token
    return told, 201 if is_new else 200


@blueprint.post("/devices/<uuid:device_id>/approve")
@blueprint.doc(security=SECURITY_THREADS)
@bounded_by_caller
@for_known
@blueprint.arguments(ApproveInput, error_status_code=400)
@blueprint.response(200, DeviceStateOutput)
@fails(blueprint, 400, 401, 403, 404, 413, 415, 429)
def approve(known: KnownMember, body: dict[str, Any], device_id: UUID) -> dict[str, Any]:
    """One of mine, by another of mine."""
    count_act(known)
    approval = DeviceApproval(body["approvedBy"], body["createdAt"], body["sig"])
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.DEVICE_ADD)) as unit:
        return {"success": True, "state": approve_device(unit, device_id, approval).state}


@blueprint.post("/devices/<uuid:device_id>/revoke")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.response(200, DeviceStateOutput)
@fails(blueprint, 401, 403, 404, 413, 429)
def revoke(known: KnownMember, device_id: UUID) -> dict[str, Any]:
    """One of mine: nothing of it is taken any more, and my threads need a new key."""
    count_act(known)
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.DEVICE_REVOKE)) as unit:
        return {"success": True, "state": revoke_device(unit, device_id).state}


@blueprint.get("/<string:thread_id>/devices")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.arguments(DevicesQuery, location="query", error_status_code=400)
@blueprint.response(200, DevicesOutput)
@fails(blueprint, 400, 401, 403, 404, 429)
def show_devices(known: KnownMember, query: dict[str, Any], thread_id: str) -> dict[str, Any]:
    """Of all members, with their states: the next key is sealed to the active ones. `formerDevices` are of those who
    were in: what they wrote is verified by them. An owner who is about to add somebody without the history asks for
    theirs too."""
    if query["joining"]:
        count_act(known)
    with stores().threads(known.as_caller()) as unit:
        return {"success": True, **describe_devices(unit, thread_id, query["joining"])}


@blueprint.get("/<string:thread_id>/keys")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.arguments(KeysQuery, location="query", error_status_code=400)
@blueprint.response(200, KeysOutput)
@fails(blueprint, 400, 401, 403, 404, 429)
def show_keys(known: KnownMember, query: dict[str, Any], thread_id: str) -> dict[str, Any]:
    """All generations with what is sealed to one of my devices, and which devices lack which."""
    count_act(known)
    after_this_request(_not_kept)
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.KEY_READ, thread_id)) as unit:
        return {"success": True, **read_keys(unit, thread_id, query["deviceId"])}


@blueprint.post("/<string:thread_id>/keys")
@blueprint.doc(security=SECURITY_THREADS)
@takes_json(KEYSET_BODY_MAX_BYTES)
@bounded_by_caller
@for_known
@blueprint.arguments(KeysetInput, error_status_code=400)
@blueprint.response(201, DoneOutput)
@blueprint.alt_response(200, schema=DoneOutput, description="It was made already.")
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415, 429)
def rotate(known: KnownMember, body: dict[str, Any], thread_id: str) -> tuple[dict[str, Any], int]:
    """The next generation, sealed to exactly the active devices of all members."""
    count_act(known)
    keyset = read_keyset(thread_id, body)
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.KEY_ROTATE, thread_id)) as unit:
        is_new = make_keyset(unit, keyset)
    return {"success": True}, 201 if is_new else 200


@blueprint.post("/<string:thread_id>/keys/<string:kid>/wraps")
@blueprint.doc(security=SECURITY_THREADS)
@takes_json(WRAPS_BODY_MAX_BYTES)
@bounded_by_caller
@for_known
@blueprint.arguments(WrapsInput, error_status_code=400)
@blueprint.response(200, DoneOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415, 429)
def seal_anew(known: KnownMember, body: dict[str, Any], thread_id: str, kid: str) -> dict[str, Any]:
    """A secret for devices that lack it, by whoever has a device that holds it. What is there stays, unless it is of
    a device of mine."""
    count_act(known)
    wraps = {one["deviceId"]: one["wrapped"] for one in body["wraps"]}
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.WRAP_ADD, thread_id)) as unit:
        add_wraps(unit, thread_id, kid, wraps)
    return {"success": True}


@blueprint.delete("/<string:thread_id>/keys/<string:kid>/wraps/<uuid:device_id>")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.response(204)
@fails(blueprint, 400, 401, 403, 404, 429)
def drop_sealed(known: KnownMember, thread_id: str, kid: str, device_id: UUID) -> Response:
    """What was sealed to one of my devices and does not open: it lacks that key then, and others seal it anew."""
    count_act(known)
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.WRAP_DROP, thread_id)) as unit:
        drop_wrap(unit, thread_id, kid, str(device_id))
    return Response(status=204)


def _not_kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
