"""What a fault may ask of MISO beside what every provider's calls can meet."""

from dataclasses import dataclass

from dev.sandbox.errors import BadInputError
from dev.sandbox.inputs import Fields, read_choice, read_count, read_flag, read_seconds, read_text
from dev.sandbox.miso.shapes import MISSING, SHAPES

WORKFLOW_STATUSES = ("failed", "stopped", "partial-succeeded", "running")
CHAT_MANNERS = ("delta", "cumulative", "agent", "replaced", "replaced_same", "no_done", "pings_only")
MISO_FIELDS = frozenset(
    {
        "code",
        "workflow_status",
        "workflow_seconds",
        "outputs",
        "chat",
        "chunk_delay_seconds",
        "error_after_chunks",
        "cut_after_chunks",
        "while_running",
    }
)


@dataclass(frozen=True, slots=True)
class MisoTraits:
    """`while_running`: what else the fault says comes when the workflow has begun, which goes on behind it."""

    code: str | None = None
    workflow_status: str | None = None
    workflow_seconds: float | None = None
    outputs: str | None = None
    chat: str = "delta"
    chunk_delay_seconds: float | None = None
    error_after_chunks: int | None = None
    cut_after_chunks: int | None = None
    while_running: bool = False

    @property
    def replaces_answer(self) -> bool:
        """A code beside `error_after_chunks` is that error's."""
        return self.code is not None and self.error_after_chunks is None


UNTOUCHED = MisoTraits()


def read_traits(body: Fields) -> MisoTraits:
    """Raises BadInputError."""
    return MisoTraits(
        code=read_text(body, "code") if body.get("code") is not None else None,
        workflow_status=_read_optional(body, "workflow_status", WORKFLOW_STATUSES),
        workflow_seconds=read_seconds(body, "workflow_seconds"),
        outputs=_read_shape(body),
        chat=read_choice(body, "chat", CHAT_MANNERS, "delta"),
        chunk_delay_seconds=read_seconds(body, "chunk_delay_seconds"),
        error_after_chunks=read_count(body, "error_after_chunks", None),
        cut_after_chunks=read_count(body, "cut_after_chunks", None),
        while_running=read_flag(body, "while_running"),
    )


def _read_optional(body: Fields, name: str, choices: tuple[str, ...]) -> str | None:
    return None if body.get(name) is None else read_choice(body, name, choices)


def _read_shape(body: Fields) -> str | None:
    shape = body.get("outputs")
    if shape is None or shape in SHAPES or (isinstance(shape, str) and len(shape) > len(MISSING) and MISSING in shape):
        return shape
    raise BadInputError("outputs", f"must be one of {', '.join(SHAPES)}, {MISSING}<key>")
