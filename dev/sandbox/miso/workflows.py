"""Runs workflows, blocking and streamed; tells of runs, lists and stops them."""

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from dev.sandbox.faults import BEFORE, DURING
from dev.sandbox.miso.errors import MisoRefusalError, not_found
from dev.sandbox.miso.exchange import STREAMING, MisoExchange
from dev.sandbox.miso.runs import RUNNING, STOPPED, WORKFLOW_ID, WorkflowRun
from dev.sandbox.miso.sse import block, deliver_events, wait_with_pings
from dev.sandbox.miso.traits import MisoTraits
from dev.sandbox.replies import json_reply

LONGEST_INPUT = 50_000
MOST_LOGS = 100
_NODES = (("start", "시작"), ("llm", "분석"))
# Of a stream, after which `cut: "during"` strikes.
_EVENTS_BEFORE_CUT = 3


async def run_workflow(exchange: MisoExchange) -> web.StreamResponse:
    fault = exchange.fault
    mode = exchange.read_mode()
    run = WorkflowRun(_read_inputs(exchange), exchange.text("user"), exchange.traits, mode == STREAMING)
    exchange.state.runs.start(run)
    exchange.state.calls.bill(exchange.call)
    exchange.call.workflow_run_id, exchange.call.task_id = run.run_id, run.task_id
    if fault is not None and (fault.replaces_answer or fault.cut == BEFORE):
        await _wait_for_fault(exchange, run)
        return await exchange.give_in_its_place(fault)
    if mode == STREAMING:
        return await _stream(exchange, run)
    await _wait_for_fault(exchange, run)
    return await exchange.give(json_reply(run.describe_answer()))


async def _wait_for_fault(exchange: MisoExchange, run: WorkflowRun) -> None:
    if not exchange.traits.while_running:
        await run.done.wait()
    if exchange.fault is not None:
        await exchange.fault.wait_after()


def _read_inputs(exchange: MisoExchange) -> dict[str, Any]:
    inputs = exchange.read_inputs()
    if not inputs:
        raise MisoRefusalError("invalid_param", "inputs must hold at least one pair")
    for name, value in inputs.items():
        if isinstance(value, str) and len(value) > LONGEST_INPUT:
            raise MisoRefusalError(
                "invalid_param", f"{name} in input form must be less than {LONGEST_INPUT} characters"
            )
    return inputs


async def _stream(exchange: MisoExchange, run: WorkflowRun) -> web.StreamResponse:
    traits = exchange.traits
    if exchange.fault is not None and exchange.fault.cut == DURING:
        traits = MisoTraits(cut_after_chunks=_EVENTS_BEFORE_CUT, chunk_delay_seconds=traits.chunk_delay_seconds)
    return await deliver_events(exchange.request, exchange.call, traits, _events(exchange, run), exchange.headers)


async def _events(exchange: MisoExchange, run: WorkflowRun) -> AsyncIterator[bytes]:
    started = {"id": run.run_id, "workflow_id": WORKFLOW_ID, "inputs": run.inputs, "created_at": run.created_at}
    yield _event(run, "workflow_started", started)
    for index, (kind, title) in enumerate(_NODES, 1):
        node = _describe_node(run, index, kind, title)
        yield _event(run, "node_started", node)
        if index < len(_NODES):
            yield _event(run, "node_finished", node | _finished_node(run, {}))
    yield _event(run, "text_chunk", {"text": "분석 중"})
    async for ping in wait_with_pings(run.done):
        yield ping
    if exchange.fault is not None:
        await exchange.fault.wait_after()
    if run.status != STOPPED:
        yield _event(run, "node_finished", node | _finished_node(run, run.outputs))
    yield _event(run, "workflow_finished", run.describe_result())


def _event(run: WorkflowRun, name: str, data: dict[str, Any]) -> bytes:
    return block({"event": name, **run.ids, "data": data})


def _describe_node(run: WorkflowRun, index: int, kind: str, title: str) -> dict[str, Any]:
    return {
        "id": f"{run.run_id}-{index}",
        "node_id": f"{kind}-{index}",
        "node_type": kind,
        "title": title,
        "index": index,
        "inputs": None,
        "created_at": run.created_at,
    }


def _finished_node(run: WorkflowRun, outputs: Any) -> dict[str, Any]:
    spent = {"total_tokens": 0, "total_price": 0.0, "currency": "USD"}
    return {
        "outputs": outputs,
        "status": run.status if run.is_finished else "succeeded",
        "error": run.error,
        "elapsed_time": run.elapsed_seconds,
        "execution_metadata": spent,
        "finished_at": run.finished_at or run.created_at,
    }


async def show_run(exchange: MisoExchange) -> web.StreamResponse:
    run = exchange.state.runs.find(exchange.request.match_info["run_id"])
    if run is None:
        raise not_found()
    return await exchange.give(json_reply(run.describe_detail()))


async def list_logs(exchange: MisoExchange) -> web.StreamResponse:
    asked = exchange.request.query
    page, limit = _read_number(asked.get("page", "1")), min(_read_number(asked.get("limit", "20")), MOST_LOGS)
    found = exchange.state.runs.list_finished(asked.get("keyword", ""), asked.get("status", ""))
    shown = found[(page - 1) * limit : page * limit]
    listed = {
        "page": page,
        "limit": limit,
        "total": len(found),
        "has_more": page * limit < len(found),
        "data": [run.describe_log() for run in shown],
    }
    return await exchange.give(json_reply(listed))


def _read_number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 99_999:
        raise MisoRefusalError("invalid_param", "page and limit must be numbers from 1")
    return int(text)


async def stop_workflow(exchange: MisoExchange) -> web.StreamResponse:
    """Success always; of a streamed run of this user it is also true."""
    task_id, user = exchange.request.match_info["task_id"], exchange.text("user")
    run = exchange.state.runs.find_task(task_id)
    if run is not None and run.is_streamed and run.user == user and run.status == RUNNING:
        run.stop()
        exchange.state.calls.note_stop(task_id)
    return await exchange.give(json_reply({"result": "success"}))
