"""The Redis keys of a stream: all of a subject's share its hash tag (docs/decisions/0014-no-redis-cluster.md).

A subject is any text, such as `tilko_session:{id}`, `patient:{id}` or `queue:{name}`: what it stands for is nothing to
a stream. Only what would break the hash tag is refused.
"""

from streams.errors import InvalidEventError


def log_key(subject: str) -> str:
    return f"stream:{_tag(subject)}:log"


def meta_key(subject: str) -> str:
    return f"stream:{_tag(subject)}:meta"


def channel(subject: str) -> str:
    return f"stream:{_tag(subject)}:pub"


def subject_of(channel_name: str) -> str:
    return channel_name[len("stream:{") : -len("}:pub")]


def subject_of_key(key: str) -> str:
    """Of a stream's key; of a projection's it is the key itself, and so of any other."""
    begin, _, rest = key.partition("stream:{")
    subject, brace, part = rest.rpartition("}:")
    return subject if not begin and brace and part in {"log", "meta"} else key


def _tag(subject: str) -> str:
    """Raises InvalidEventError: an empty tag, or one that ends early, would be none."""
    if not subject or "{" in subject or "}" in subject:
        raise InvalidEventError("a subject must not be empty or hold braces")
    return f"{{{subject}}}"
