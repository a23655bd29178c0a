"""How soon an upload is answered: a text, and a large file beside the bare write and sync of as many bytes."""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from dev.bench.interviews.company import BenchCompany
from dev.bench.results import Metrics, percentiles_ms

_UPLOAD = "/api/workflow/async"
_TEXT = "Q: 어떠셨어요?\n김하늘: 결제 화면이 자꾸 멈춰서 답답했어요.\n" * 50


def measure_uploads(company: BenchCompany, url: str, folder: Path, *, uploads: int, mib: int) -> dict[str, Metrics]:
    """The file and the bare write take turns, on the same disk."""
    content = os.urandom(64 * 1024).hex().encode() * (mib * 8)
    token = company.add_members(1)[0].header.removeprefix("Authorization: ").strip()
    project = str(company.project_id)
    with httpx.Client(base_url=url, headers={"Authorization": token}, timeout=60) as client:

        def send_text() -> None:
            client.post(_UPLOAD, json={"text": _TEXT, "projectId": project}).raise_for_status()

        def send_file() -> None:
            file = {"file": ("interview.txt", content)}
            client.post(_UPLOAD, files=file, data={"projectId": project}).raise_for_status()

        send_text()
        texts = [_timed(send_text) for _ in range(uploads)]
        files: list[float] = []
        writes: list[float] = []
        for _ in range(uploads):
            files.append(_timed(send_file))
            writes.append(_timed(lambda: _write(folder, content)))
    return {
        "text over HTTP": percentiles_ms(texts, "upload"),
        f"{mib} MiB over HTTP, sealed": percentiles_ms(files, "upload"),
        f"{mib} MiB written and synced": percentiles_ms(writes, "upload"),
    }


def _timed(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _write(folder: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
