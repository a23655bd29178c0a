"""How long larger things are once clients have encrypted them: in chunks, each of which has a tag."""

CHUNK_BYTES, TAG_BYTES = 65_536, 16


def sealed_length(content_bytes: int, chunk_bytes: int = CHUNK_BYTES) -> int:
    """What so many bytes take when they are encrypted; nothing is one empty chunk."""
    return content_bytes + TAG_BYTES * max(1, -(-content_bytes // chunk_bytes))
