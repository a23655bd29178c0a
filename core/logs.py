"""Structured logs: one JSON line per event on standard error, with whatever was bound at the start of the unit."""

import logging
import sys
import traceback
from typing import Any

import orjson
import structlog


def _dump(value: Any, default: Any = None, **_: Any) -> str:
    return orjson.dumps(value, default=default).decode()


_OUR_ROOMS = {"core", "models", "services", "spool", "streams", "tasks", "upstream", "webapp"}


def _format_error(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Put the traceback into the line: places and types, but the words of our own errors only. A database's or a
    parser's error quotes the values it stumbled over."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = describe_error(error)
    return event


def describe_error(error: BaseException) -> str:
    """The traceback of an error and its causes, without foreign words and without source lines."""
    parts = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        parts.append(describe_error(cause) + "\n-- which led to --")
    frames = traceback.extract_tb(error.__traceback__)
    parts += [f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} in {frame.name}" for frame in frames]
    kind = type(error)
    words = f": {error}" if kind.__module__.partition(".")[0] in _OUR_ROOMS else ""
    parts.append(f"{kind.__module__}.{kind.__qualname__}{words}")
    return "\n".join(parts)


def configure_logs(level: str, process: str) -> None:
    """Send our own and the libraries' logs through one renderer. Call once, at the process's edge."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _format_error,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_dump),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # Below this they print addresses of calls, or all of them: too much, and a URL may one day hold what it should not.
    for name in ("httpx", "httpcore", "urllib3", "boto3", "botocore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
