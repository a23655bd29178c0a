"""Lua scripts that Redis carries out as one step."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError


class Script:
    """Known to Redis by its hash, as long as Redis keeps it."""

    def __init__(self, path: Path) -> None:
        self._text = path.read_text(encoding="utf-8")
        self._sha = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: Any, keys: Sequence[Any], args: Sequence[Any]) -> Any:
        """Raises RedisError."""
        try:
            return client.evalsha(self._sha, len(keys), *keys, *args)
        except NoScriptError:  # Redis was restarted or its scripts were flushed
            return client.eval(self._text, len(keys), *keys, *args)
