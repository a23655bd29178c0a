"""Answers in the voice of a persona, with the words of the question, in small pieces."""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from dev.sandbox.faults import BEFORE, DURING
from dev.sandbox.miso.analysis import digest_of
from dev.sandbox.miso.conversations import ChatTurn
from dev.sandbox.miso.errors import not_found
from dev.sandbox.miso.exchange import BLOCKING, MisoExchange
from dev.sandbox.miso.sse import DONE, PING, PING_SECONDS, block, deliver_events
from dev.sandbox.miso.traits import MisoTraits
from dev.sandbox.replies import json_reply

PIECE_SECONDS = 0.03
MODERATED = "죄송합니다. 그 질문에는 답할 수 없습니다."
_FEWEST_PIECES, _MOST_PIECES = 8, 40
_PIECES_BEFORE_CUT = 3
_MEMORIES = ("제 경험을 말씀드리면", "솔직히 말해서", "지난번에 겪은 일인데요")


async def chat(exchange: MisoExchange) -> web.StreamResponse:
    fault = exchange.fault
    mode, inputs, query = exchange.read_mode(), exchange.read_inputs(), exchange.text("query")
    turn = exchange.state.conversations.open(exchange.text("user"), str(exchange.fields.get("conversation_id") or ""))
    if turn is None:
        raise not_found("conversation_not_exists")
    exchange.state.calls.bill(exchange.call)
    exchange.call.task_id = turn.task_id
    if fault is not None:
        await fault.wait_after()
        if fault.replaces_answer or fault.cut == BEFORE:
            return await exchange.give_in_its_place(fault)
    said = compose(query, inputs)
    if mode == BLOCKING:
        return await exchange.give(json_reply(_describe_whole(turn, said, query)))
    traits = exchange.traits
    if fault is not None and fault.cut == DURING:
        traits = MisoTraits(cut_after_chunks=_PIECES_BEFORE_CUT)
    events = _events(turn, traits, said, query)
    if not exchange.speaks_dify:
        events = _end_with_done(events, traits)
    return await deliver_events(exchange.request, exchange.call, traits, events, exchange.headers)


async def stop_chat(exchange: MisoExchange) -> web.StreamResponse:
    task_id, user = exchange.request.match_info["task_id"], exchange.text("user")
    turn = exchange.state.conversations.find(task_id)
    if turn is not None and turn.user == user:
        turn.stopped.set()
        exchange.state.calls.note_stop(task_id)
    return await exchange.give(json_reply({"result": "success"}))


def compose(query: str, inputs: dict[str, Any]) -> str:
    """The same for the same question and persona."""
    dice = random.Random(digest_of(query))
    words = [word.strip("?.,!") for word in query.split()][:6]
    title = str(inputs.get("persona_title") or "사용자")
    insight = str(inputs.get("pain_points") or inputs.get("interview_insights") or "")
    told = " ".join(insight.split()[:8])
    about = f"'{' '.join(words)}'에 대해서라면, 저는 {title}로서 할 말이 있어요 🙂."
    return f"{dice.choice(_MEMORIES)}, {about} {told} 그래서 그 부분이 제일 마음에 남아요."


def split(said: str) -> list[str]:
    """8 to 40 pieces, an eojeol or less each."""
    words = re.findall(r"\S+\s*", said)
    if len(words) < _FEWEST_PIECES:
        width = max(1, len(said) // _FEWEST_PIECES)
        return [said[at : at + width] for at in range(0, len(said), width)]
    return [*words[: _MOST_PIECES - 1], "".join(words[_MOST_PIECES - 1 :])] if len(words) > _MOST_PIECES else words


async def _events(turn: ChatTurn, traits: MisoTraits, said: str, query: str) -> AsyncIterator[bytes]:
    if traits.chat == "pings_only":
        async for ping in _ping_until_stopped(turn, traits):
            yield ping
        return
    name = "agent_message" if traits.chat == "agent" else "message"
    if traits.chat == "agent":
        for event in _thoughts(turn, query):
            yield event
    so_far = ""
    for piece in split(said):
        if turn.stopped.is_set():
            break
        so_far += piece
        yield _event(turn, name, answer=so_far if traits.chat == "cumulative" else piece)
        if traits.chunk_delay_seconds is None:
            await asyncio.sleep(PIECE_SECONDS)
    if traits.chat in ("replaced", "replaced_same"):
        yield _event(turn, "message_replace", answer=MODERATED if traits.chat == "replaced" else so_far)
    yield _event(turn, "message_end", metadata=_metadata(query, so_far))


async def _end_with_done(events: AsyncIterator[bytes], traits: MisoTraits) -> AsyncIterator[bytes]:
    async for event in events:
        yield event
    if traits.chat not in ("no_done", "pings_only"):
        yield DONE


async def _ping_until_stopped(turn: ChatTurn, traits: MisoTraits) -> AsyncIterator[bytes]:
    pause = PING_SECONDS if traits.chunk_delay_seconds is None else traits.chunk_delay_seconds
    while not turn.stopped.is_set():
        yield PING
        try:
            async with asyncio.timeout(pause):
                await turn.stopped.wait()
        except TimeoutError:
            continue


def _event(turn: ChatTurn, name: str, **fields: Any) -> bytes:
    ids = {"task_id": turn.task_id, "message_id": turn.message_id, "conversation_id": turn.conversation_id}
    return block({"event": name, **ids, "created_at": int(time.time()), **fields})


def _thoughts(turn: ChatTurn, query: str) -> list[bytes]:
    thought = {
        "id": turn.message_id,
        "position": 1,
        "thought": "인터뷰를 찾아본다",
        "observation": "3건을 찾았다",
        "tool": "search;dataset",
        "tool_input": f'{{"query": "{query[:20]}"}}',
        "message_files": [],
    }
    picture = {"id": turn.task_id, "type": "image", "belongs_to": "assistant", "url": "https://files.example/1.png"}
    return [_event(turn, "agent_thought", **thought), _event(turn, "message_file", **picture)]


def _metadata(query: str, said: str) -> dict[str, Any]:
    asked, told = max(1, len(query) // 2), max(1, len(said) // 2)
    price = {f"{kind}_{what}": "0.001" for kind in ("prompt", "completion") for what in ("unit_price", "price_unit")}
    usage = price | {
        "prompt_tokens": asked,
        "completion_tokens": told,
        "total_tokens": asked + told,
        "prompt_price": "0.0001",
        "completion_price": "0.0002",
        "total_price": "0.0003",
        "currency": "USD",
        "latency": 0.9,
    }
    return {"usage": usage, "retriever_resources": []}


def _describe_whole(turn: ChatTurn, said: str, query: str) -> dict[str, Any]:
    return {
        "event": "message",
        "task_id": turn.task_id,
        "id": turn.message_id,
        "message_id": turn.message_id,
        "conversation_id": turn.conversation_id,
        "mode": "chat",
        "answer": said,
        "metadata": _metadata(query, said),
        "created_at": int(time.time()),
    }
