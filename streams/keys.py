"""The Redis keys of a stream: all of a subject's share its hash tag, and so one cluster slot."""


def log_key(subject: str) -> str:
    return f"stream:{{{subject}}}:log"


def meta_key(subject: str) -> str:
    return f"stream:{{{subject}}}:meta"


def ids_key(subject: str) -> str:
    return f"stream:{{{subject}}}:ids"


def channel(subject: str) -> str:
    return f"stream:{{{subject}}}:pub"


def subject_of(channel_name: str) -> str:
    return channel_name[len("stream:{") : -len("}:pub")]
