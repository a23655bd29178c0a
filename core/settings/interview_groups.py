"""The group of the interviews: MISO, which analyses them, and how much of it may be under way."""

from dataclasses import dataclass

from core.settings.addresses import read_base_url
from core.settings.readers import count_between, number_between, one_of, optional, read_api_key
from core.settings.variables import setting

_LONGEST_RUN_SECONDS = 290


@dataclass(frozen=True, kw_only=True)
class InterviewSettings:
    """Without a key its part of the interviews is not configured; everything else works."""

    miso_api_url: str = setting(
        "MISO_API_URL", optional(read_base_url), "MISO's address; empty: no interviews are analysed.", default=""
    )
    miso_api_key: str = setting(
        "MISO_API_KEY", optional(read_api_key), "MISO's key of the workflow.", default="", secret=True
    )
    miso_agent_api_key: str = setting(
        "MISO_AGENT_API_KEY", optional(read_api_key), "MISO's key of the chat agent.", default="", secret=True
    )
    miso_knowledge_api_key: str = setting(
        "MISO_KNOWLEDGE_API_KEY", optional(read_api_key), "MISO's key of the knowledge base.", default="", secret=True
    )
    miso_dataset_id: str = setting(
        "MISO_DATASET_ID", optional(read_api_key), "The knowledge base's dataset.", default=""
    )
    miso_mode: str = setting(
        "WELNO_MISO_MODE",
        one_of("blocking", "streaming"),
        "How a workflow's answer is asked for; proxies in front of MISO may cut long blocking calls.",
        default="blocking",
    )
    miso_timeout_seconds: float = setting(
        "WELNO_MISO_TIMEOUT_SECONDS",
        number_between(0.05, _LONGEST_RUN_SECONDS),
        "Longest wait for an analysis.",
        default=str(_LONGEST_RUN_SECONDS),
        unit="s",
    )
    miso_chat_seconds: float = setting(
        "WELNO_MISO_CHAT_SECONDS",
        number_between(0.05, 3600),
        "Longest time for one answer of the chat.",
        default="600",
        unit="s",
    )
    miso_chat_silence_seconds: float = setting(
        "WELNO_MISO_CHAT_SILENCE_SECONDS",
        number_between(0.05, 300),
        "An answer of the chat of which nothing comes for so long is given up; MISO's pings count.",
        default="30",
        unit="s",
    )
    miso_context_max_chars: int = setting(
        "WELNO_MISO_CONTEXT_MAX_CHARS",
        count_between(1_000, 100_000),
        "Longest text of an interview: the input's limit in MISO's app.",
        default="50000",
        unit="characters",
    )
    concurrency: int = setting(
        "WELNO_INTERVIEW_CONCURRENCY",
        count_between(1, 200),
        "Analyses of one process that may wait for MISO at once.",
        default="8",
    )
    log_keep_days_project: int = setting(
        "WELNO_LOG_KEEP_DAYS_PROJECT",
        count_between(1, 3650),
        "How long the event log keeps a project's events; who comes back later is told to load the list.",
        default="30",
        unit="days",
    )
    keep_days: int = setting(
        "WELNO_INTERVIEW_KEEP_DAYS",
        count_between(1, 3650),
        "How long a deleted interview can be restored; then it is erased.",
        default="30",
        unit="days",
    )
