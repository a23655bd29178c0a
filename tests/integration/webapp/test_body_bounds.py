"""What a view's schema takes fits the longest body that the view reads."""

from flask import Flask

from webapp.api.fields import json_bytes_max
from webapp.bodies import BODY_MAX_BYTES

# Their bodies have a bound as wholes, below what all their fields at their longest would take.
BOUNDED_AS_WHOLES = {
    "interviews_chat.chat",
    "shl.make",
    "shl.replace",
    "threads.join_member",  # wraps, or a keyset
}


def test_the_longest_body_of_each_schema_is_read(app: Flask):
    longest = {
        name: (json_bytes_max(part["schema"]()), getattr(view, "body_max_bytes", BODY_MAX_BYTES))
        for name, view in app.view_functions.items()
        for part in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
        if part["in"] == "json"
    }
    assert len(longest) > 50
    assert {name for name, (size, bound) in longest.items() if size > bound} == BOUNDED_AS_WHOLES
