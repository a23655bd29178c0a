"""One patient's day: from the door through two exams and the payment, and home. Each step is told in one line."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from dev.demo.devices import Desk, Device, Json, PatientPhone, UnexpectedAnswer, wait_until

ENTRANCE, AT_XRAY = "demo-entrance-7f3a9c21e5b84d06", "demo-xray-b86d14f0c2e94a57"
_RECALL_SECONDS = 30.0
Tell = Callable[[str], None]


class Day:
    """Of one of the demo's patients who has not come yet. Raises UnexpectedAnswer where it goes otherwise."""

    def __init__(self, web_url: str, password: str, tell: Tell, patient: int = 1) -> None:
        self.phone = PatientPhone(web_url)
        self.desk = Desk(web_url, "desk1", password)
        self._web_url = web_url
        self._password = password
        self._tell = tell
        self._who = person(patient)
        self.fhir: list[Json] = []

    def walk(self) -> None:
        """All of it, in order."""
        self.arrive()
        number = self.wait_for_blood()
        self.miss_the_call(number)
        self.be_examined_while_the_socket_is_cut()
        self.be_examined_again()
        self.pay_and_leave()
        self.check_the_record()
        self.check_the_hospital()
        self.read_the_visit_as_fhir()
        self.log_out()

    def close(self) -> None:
        self.phone.cut()
        self.phone.close()
        self.desk.close()

    def arrive(self) -> None:
        stranger = Device(self._web_url)
        scan = stranger.post("/nfc/scan/", {"tag_code": ENTRANCE, "device_id": self.phone.device_id, "via": "nfc"})
        stranger.close()
        self._tell(f"scanned {scan['tag']['title']}: go to {scan['guidance']['to']['title']}")
        snapshot = self.phone.log_in(self._who | {"scan_token": scan["scan_token"]})
        self._require(snapshot, "REGISTERED")
        exams = ", ".join(one["exam_name"] for one in snapshot["appointments"])
        self._tell(f"logged in: REGISTERED, today {exams or 'nothing yet'}")

    def wait_for_blood(self) -> int:
        self.phone.connect()
        snapshot = self.phone.command("confirm_arrival", {"exam_id": "EX-BLOOD"})
        self._require(snapshot, "WAITING")
        entry = snapshot["queue_details"][0]
        self._tell(
            f"waits for {entry['exam_name']}: number {entry['queue_number']}, {entry['ahead']} ahead, "
            f"about {entry['estimated_wait_time']} min"
        )
        return int(entry["queue_number"])

    def miss_the_call(self, number: int) -> None:
        queue_id = self._entry()["queue_id"]
        self.desk.call(queue_id)
        room = self._hear_call()["data"]["room"]
        self._tell(f"called to {room['title']}: the phone was told at once")
        self._read_call()
        seen = self.desk.get(f"/queue/{queue_id}")["queue"]["call_seen_at"]
        self._require_that(seen is not None, "the desk sees that the phone has shown the call")
        self._tell("the desk sees that the phone has shown the call")
        snapshot = self.desk.act(self.phone.user_id, "mark_no_show", {"queue_id": queue_id})
        self._require(snapshot, "WAITING")
        self._require_that(self._entry()["queue_number"] == number, "the number stays")
        self._tell(f"did not come: WAITING again at the end of the line, still number {number}")

    def be_examined_while_the_socket_is_cut(self) -> None:
        queue_id = self._entry()["queue_id"]
        self.desk.call(queue_id)
        self._hear_call()
        self._tell("called again; nobody comes, so the desk repeats it")
        wait_until(lambda: self.desk.ask("POST", f"/queue/{queue_id}/recall").is_success, seconds=_RECALL_SECONDS)
        again = self.phone.hear_until("patient_called")
        self._require_that(again["data"]["call_count"] == 2, "the second call is counted")
        self.phone.cut()
        self._tell("the phone lost its connection")
        self._require(self.phone.act("enter_exam_room"), "IN_PROGRESS")
        snapshot = self.desk.act(self.phone.user_id, "complete_exam", {"queue_id": queue_id})
        self._require(snapshot, "COMPLETED")
        self.phone.connect()
        wait_until(lambda: self._hears("COMPLETED"))
        self._tell("examined meanwhile: COMPLETED, and the phone that came back has missed nothing")

    def be_examined_again(self) -> None:
        rescan = self.phone.post("/nfc/scan/", {"tag_code": AT_XRAY, "device_id": self.phone.device_id})
        self._require_that(not rescan["transition"], "a scan on the way changes nothing")
        self._tell(f"scanned {rescan['tag']['title']} on the way: nothing changed")
        self._require(self.phone.act("confirm_arrival", {"exam_id": "EX-XRAY"}), "WAITING")
        queue_id = self._entry()["queue_id"]
        self.desk.call(queue_id)
        self._hear_call()
        for action, state in (("start_exam", "IN_PROGRESS"), ("complete_exam", "COMPLETED")):
            self._require(self.desk.act(self.phone.user_id, action, {"queue_id": queue_id}), state)
        self._tell("the second exam: waited, called, examined, COMPLETED")

    def pay_and_leave(self) -> None:
        pay: dict[str, Any] = {"expected_state": "COMPLETED", "idempotency_key": f"pay-{self.phone.device_id}"}
        with ThreadPoolExecutor(2) as clicks:
            answers = list(clicks.map(lambda _: self.phone.act("make_payment", **pay), range(2)))
        for answer in answers:
            self._require(answer, "PAYMENT")
        self._tell("clicked twice on payment: PAYMENT, once")
        self._require(self.phone.act("make_payment", expected_state="PAYMENT"), "FINISHED")
        self._require(self.phone.act("leave_hospital"), "UNREGISTERED")
        self._tell("paid and left: UNREGISTERED")

    def check_the_record(self) -> None:
        wait_until(lambda: self._hears("UNREGISTERED"))
        numbers = [event["seq"] for event in self.phone.events]
        self._require_that(numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no event is missing")
        steps = self.phone.get("/patient-journey/history")["transitions"]
        ends = [step["to_state"] for step in steps]
        chained = all(one["to_state"] == other["from_state"] for one, other in pairwise(steps))
        self._require_that(chained and ends[-1] == "UNREGISTERED", "the log is a chain without a gap")
        self._tell(f"{len(numbers) - 1} events, each once and in order; {len(steps)} steps in the log")

    def check_the_hospital(self) -> None:
        chief = Desk(self._web_url, "chief", self._password)
        health = chief.get("/admin/journey/health")
        chief.close()
        self._require_that(health["healthy"], f"a healthy hospital, and not {health}")
        self._tell(f"the checker finds nothing among {health['statistics']['total_patients']} people")

    def read_the_visit_as_fhir(self) -> None:
        """Kept in `fhir`, for whoever wants to validate it."""
        found = {kind: self._search_fhir(kind) for kind in ("Appointment", "Encounter", "Task")}
        self.fhir = [one for resources in found.values() for one in resources]
        [visit] = found["Encounter"][:1]
        self._require_that(visit["status"] == "finished", f"a finished Encounter, and not {visit['status']}")
        self._tell("the visit as FHIR: " + ", ".join(f"{len(some)} {kind}" for kind, some in found.items()))

    def log_out(self) -> None:
        self._require_that(self.phone.ask("POST", "/auth/logout").status_code == 204, "logged out")
        self._require_that(self.phone.wait_for_close() == 4401, "the socket that is open is closed by the logout")
        refused = self.phone.ask("GET", "/patient-journey/current-state/").status_code
        self._require_that((refused, self.phone.close_code_now()) == (401, 4401), "the token opens nothing more")
        self._tell("logged out: the open socket is closed; the token is refused, over HTTP and on sockets")

    def _entry(self) -> Json:
        entry: Json = self.phone.get("/patient-journey/current-state/")["queue_details"][0]
        return entry

    def _hear_call(self) -> Json:
        """The step first, then the call itself."""
        heard = len(self.phone.events)
        call = self.phone.hear_until("patient_called")
        kinds = [event["type"] for event in self.phone.events[heard:]]
        self._require_that(kinds[-2:] == ["state_update", "patient_called"], "the step is told before the call")
        return call

    def _read_call(self) -> None:
        told = self.phone.get("/notifications")["notifications"][0]
        self.phone.post(f"/notifications/{told['id']}/read")

    def _search_fhir(self, kind: str) -> list[Json]:
        bundle = self.phone.get(f"/fhir/{kind}?patient={self.phone.user_id}")
        return [entry["resource"] for entry in bundle.get("entry", [])]

    def _hears(self, state: str) -> bool:
        return str(self.phone.hear_until("state_update")["payload"]["journey_state"]) == state

    def _require(self, snapshot: Json, state: str) -> None:
        self._require_that(snapshot["journey_state"] == state, f"{state}, and not {snapshot['journey_state']}")

    @staticmethod
    def _require_that(is_so: bool, expected: str) -> None:
        if not is_so:
            raise UnexpectedAnswer(f"expected: {expected}")


class BackupScenes(Day):
    """What helps where something does not work: no NFC, no socket, no network."""

    def walk(self) -> None:
        stranger = Device(self._web_url)
        looked = stranger.get(f"/nfc/qr-backup/{ENTRANCE}")
        stranger.close()
        self._tell(f"no NFC: the QR code says the same ({looked['tag']['title']})")
        snapshot = self.phone.log_in(self._who | {"scan_token": looked["scan_token"]})
        self._require(snapshot, "REGISTERED")
        self.phone.connect()
        self.phone.cut()
        self._require(self.phone.act("confirm_arrival", {"exam_id": "EX-BLOOD"}), "WAITING")
        messages = self.phone.poll()
        self._require_that(any(one["type"] == "state_update" for one in messages), "a poll tells the step")
        self._tell(f"no socket: {len(messages)} event(s) by polling")
        last = self.phone.get("/patient-journey/current-state/")
        queue_id = last["queue_details"][0]["queue_id"]
        self._tell(f"no network: the phone still shows number {last['queue_details'][0]['queue_number']}")
        self.desk.act(self.phone.user_id, "cancel_appointment", {"queue_id": queue_id, "reason": "시연 끝"})
        self.phone.ask("POST", "/auth/logout")


def person(number: int) -> Json:
    """How the demo's patient of this number logs in."""
    born = date(1940, 1, 1) + timedelta(days=31 * number)
    return {"phone_last4": f"{number:04d}", "birth_date": born.isoformat(), "name": f"시연{number:03d}"}
