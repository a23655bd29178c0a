"""The sandbox as a test sees it: who approves, what went wrong, what was billed and served."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.plain_http import NO_TLS
from tests.waiting import wait_until

PUSH, LOGIN_CHECK = "simpleauthrequest", "logincheck"
CHECKUPS, TREATMENTS, REPORT = "ggpab003m0105", "retrievetreatment", "mediarc"


class Provider:
    """Tilko and MediArc, by their control interface."""

    def __init__(self, url: str) -> None:
        # Many threads share it: none may close as idle a connection that another has just begun to use.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.Client(base_url=f"{url}/control", timeout=30, verify=NO_TLS, limits=limits)

    def close(self) -> None:
        self._http.close()

    def learn(self, **person: Any) -> None:
        self._http.post("/people", json=person).raise_for_status()

    def cx_id_of(self, phone_no: str) -> str:
        """The request that waits on this phone, once it has come."""

        def find() -> list[str]:
            waiting = self._http.get("/requests").json()["requests"]
            return [one["CxId"] for one in waiting if one["UserCellphoneNumber"] == phone_no]

        return wait_until(find)[-1]

    def wait_for_another(self, phone_no: str, cx_id: str) -> None:
        """Until a newer request than this one waits on the phone."""
        wait_until(lambda: self.cx_id_of(phone_no) != cx_id)

    def approve(self, cx_id: str) -> None:
        self._http.post("/approve", json={"CxId": cx_id}).raise_for_status()

    def decline(self, cx_id: str) -> None:
        self._http.post("/decline", json={"CxId": cx_id}).raise_for_status()

    @contextmanager
    def fault(self, path: str, **what: Any) -> Iterator[str]:
        """While the block runs, unless `calls` says how often. Gives the fault's id."""
        fault_id: str = self._http.post("/faults", json={"path": path, **what}).raise_for_status().json()["fault_id"]
        try:
            yield fault_id
        finally:
            self._http.delete(f"/faults/{fault_id}").raise_for_status()

    def release(self, fault_id: str) -> None:
        self._http.post(f"/faults/{fault_id}/release").raise_for_status()

    def held_calls(self, fault_id: str) -> int:
        faults = self._http.get("/faults").json()["faults"]
        return next((int(one["waiting"]) for one in faults if one["fault_id"] == fault_id), 0)

    def bill_of(self, cx_id: str) -> dict[str, int]:
        """How many checkup and prescription calls this authentication has paid for."""
        billed: dict[str, int] = self._calls(cxid=cx_id)["billed"].get(cx_id, {})
        return billed

    def reports_of(self, session_id: str) -> int:
        reports: dict[str, int] = self._calls()["reports"]
        return reports.get(f"TM_WELNO_{session_id.replace('-', '')}", 0)

    def count_calls(self, path: str = "", cx_id: str = "") -> int:
        return len(self._calls(path=path, cxid=cx_id)["calls"])

    def served_to(self, cx_id: str) -> dict[str, list[Any]]:
        """The data answers of this authentication, as they went over the wire."""
        served: dict[str, list[Any]] = self._http.get("/served", params={"cxid": cx_id}).json()
        return served

    def _calls(self, **query: str) -> dict[str, Any]:
        calls: dict[str, Any] = self._http.get("/calls", params=query).json()
        return calls
