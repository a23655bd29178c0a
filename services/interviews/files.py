"""What lies sealed on the disk of an interview: the file as it came, its text before masking, who is named, which
placeholder stands for whom, MISO's answers."""

from dataclasses import dataclass
from uuid import UUID

import orjson

from spool import StreamedFiles
from upstream.http.exchange import HttpResponse

# The file as it came, the text before masking, what else names people, and what stands for each of them.
ORIGINAL, TEXT, SAID, PLACEHOLDERS = "original", "text", "upload", "placeholders"
# What is needed to read a body that was kept.
_KEPT_HEADERS = ("content-type", "content-encoding")


def answer_name(attempt: int) -> str:
    return f"answer-{attempt}"


@dataclass(frozen=True, slots=True, repr=False)
class Said:
    """`file_name` is the true one; None of a text. `title` as it was given, or made of the file's name; None where it
    was kept by an older version, which has masked it by itself."""

    file_name: str | None
    mask_words: tuple[str, ...]
    title: str | None = None


def keep_said(files: StreamedFiles, interview_id: UUID, said: Said) -> None:
    """The worker needs it, and the database must not hold it. Raises StorageFault."""
    content = {"file_name": said.file_name, "mask_words": list(said.mask_words), "title": said.title}
    files.put(interview_id, SAID, orjson.dumps(content))


def read_said(files: StreamedFiles, interview_id: UUID) -> Said:
    """Raises SpoolError."""
    content = orjson.loads(files.read_whole(interview_id, SAID))
    return Said(content["file_name"], tuple(content["mask_words"]), content.get("title"))


def keep_answer(files: StreamedFiles, interview_id: UUID, attempt: int, reply: HttpResponse) -> None:
    """As it came, and durable when this returns. Raises StorageFault."""
    headers = {name.lower(): value for name, value in reply.headers.items() if name.lower() in _KEPT_HEADERS}
    about = orjson.dumps({"status": reply.status, "headers": headers})
    files.put(interview_id, answer_name(attempt), about + b"\n" + reply.body)


def read_answer(files: StreamedFiles, interview_id: UUID, attempt: int) -> HttpResponse:
    """Raises SpoolError; UnknownFile when none is kept."""
    about, _, body = files.read_whole(interview_id, answer_name(attempt)).partition(b"\n")
    known = orjson.loads(about)
    return HttpResponse(known["status"], known["headers"], body)
