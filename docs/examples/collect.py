"""Collects one person's records over the API and follows every step. Python's standard library is all it needs.

    python docs/examples/collect.py --url http://127.0.0.1:8000
        --name 김하늘 --birthdate 19840517 --phone 01000000001 --gender M

The person reads the consents that are printed, agrees here, and approves on the phone (of `make run`: the sandbox's
`/phone`). Ends with 0 when the records are stored, with 1 when the session ended otherwise.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

# By type: the status of a `collection_error` is `error` too, and what it tells of goes on by itself.
FAILED = {"error", "expired", "cancelled"}


class Api:
    """Requests to one server, with the token of one session."""

    def __init__(self, url: str) -> None:
        self.base = f"{url.rstrip('/')}/api/v1"
        self.token = ""

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The JSON answer. Raises HTTPError with the API's own code and message in its body."""
        with self.open(method, path, body) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def open(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"} | headers)
        request.method = method
        return urllib.request.urlopen(request, timeout=60)

    def follow(self, session_id: str) -> Iterator[dict[str, Any]]:
        """Each event once and in order, however often the connection breaks."""
        place = "0"
        while True:
            try:
                with self.open("GET", f"/tilko/session/{session_id}/events?after_seq={place}") as answer:
                    for line in answer:
                        if line.startswith(b"id: "):
                            place = line[4:].decode().strip()
                        if line.startswith(b"data: "):
                            event = json.loads(line[6:])
                            if "seq" in event:  # else it says why the server closes
                                yield event
            except (urllib.error.URLError, OSError) as exc:
                if isinstance(exc, urllib.error.HTTPError) and exc.code in {401, 403, 404}:
                    raise
            time.sleep(3)


def collect(api: Api, person: dict[str, str]) -> bool:
    # For the trend: the consent that a report alone needs is not asked for.
    texts = [text for text in api.call("GET", "/consents/texts")["items"] if not text["report_only"]]
    for text in texts:
        print(f"[{text['kind']}] {text['text']}")
    started = api.call(
        "POST",
        "/tilko/session/start",
        {
            **person,
            "private_auth_type": "0",
            "consents": [text["kind"] for text in texts],
            "consent_texts": {text["kind"]: text["sha256"] for text in texts},
        },
    )
    api.token, session_id = started["session_token"], started["session_id"]
    api.call("POST", f"/tilko/session/simple-auth?session_id={session_id}")
    for event in api.follow(session_id):
        state = event.get("status", event["type"])
        print(f"{event['seq']:3}  {state}  {event['message']}", flush=True)
        if event["type"] == "auth_completed":  # only the token of the approval opens records
            api.token = api.call("GET", f"/tilko/session/{session_id}/status")["session_token"]
        if state == "completed":
            show_records(api, event["data"]["patient_uuid"])
            return True
        if event["type"] in FAILED:
            return False
    return False


def show_records(api: Api, patient_uuid: str) -> None:
    for kind in ("checkups", "prescriptions"):
        page = api.call("GET", f"/patients/{patient_uuid}/{kind}?limit=100")
        print(f"{kind}: {len(page['items'])}{' and more' if page.get('next') else ''}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("url", "name", "birthdate", "phone", "gender"):
        parser.add_argument(f"--{name}", required=True)
    asked = parser.parse_args()
    person = {
        "user_name": asked.name,
        "birthdate": asked.birthdate,
        "phone_no": asked.phone,
        "gender": asked.gender,
        "redirect_path": "/results-trend",
    }
    try:
        return 0 if collect(Api(asked.url), person) else 1
    except urllib.error.HTTPError as exc:
        sys.exit(f"{exc.code}: {exc.read().decode()}")


if __name__ == "__main__":
    sys.exit(main())
