"""The end of a change: its rows are written, its events told, and the snapshot that tells of it is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from core.names import JourneyEvent, Task, exam_subject, patient_subject, queue_subject
from models.journey import JourneyRole, JourneyState
from services.journey.bodies import Body, entry_body, snapshot_body
from services.journey.change import CallTold, JourneyChange, StepTaken
from services.journey.views import EntryView, JourneyView, view_entries, view_journey
from services.journey.web_push.subscriptions import has_browser


@dataclass(frozen=True)
class Conclusion:
    """What was told of a change. `entries` are those of the visit, and those that it ended."""

    change: JourneyChange
    view: JourneyView
    entries: Mapping[UUID, EntryView]

    def snapshot(self, role: JourneyRole, state: JourneyState | None = None, seq: int | None = None) -> Body:
        """For whoever acted. `state` and `seq` of a step on the way there."""
        locked, journey = self.change.locked, self.change.journey
        return snapshot_body(
            self.view,
            state=state or locked.state,
            visit_id=locked.row.visit_id,
            role=role,
            seq=journey.number_of(patient_subject(locked.user_id)) if seq is None else seq,
            epoch=locked.epoch,
            now=journey.now,
        )


def conclude(change: JourneyChange) -> Conclusion:
    """Every step is told, then that the person is called, then every entry that changed; their lines are woken."""
    change.write_rows()
    journey, locked = change.journey, change.locked
    view = view_journey(journey, locked.user_id, locked.row.visit_id, locked.state)
    entries = {entry.queue_id: entry for entry in view.all_entries}
    entries |= view_entries(journey, change.touched.keys() - entries.keys())  # of a visit that has ended with this
    _remember_told(change, entries)
    change.log.write(journey.session, locked.user_id)
    is_notified = change.log.notifications and journey.settings.push_hosts
    if is_notified and has_browser(journey.session, locked.user_id):
        journey.work.send(Task.SEND_WEB_PUSH, str(locked.user_id), journey.request_id)
    concluded = Conclusion(change, view, entries)
    _tell_steps(concluded)
    for call in change.calls:
        _tell_call(change, call, entries[call.entry.queue_id])
    for entry in change.touched.values():
        _tell_entry(change, entries[entry.queue_id])
        journey.work.wake(exam_subject(entry.exam_id))
    if change.steps:  # the boards of their other lines tell that they are elsewhere
        for entry in locked.active:
            journey.work.wake(exam_subject(entry.exam_id))
    return concluded


def _remember_told(change: JourneyChange, entries: Mapping[UUID, EntryView]) -> None:
    """What is told now of the entries that changed. Of a new one it is also the prediction that its call is compared
    with."""
    joined = {entry.queue_id for entry in change.joined}
    for queue_id in change.touched:
        view = entries[queue_id]
        estimate = view.estimate
        told = {"queue_id": queue_id, "position": view.position, "minutes": estimate and estimate.minutes}
        if queue_id in joined and estimate is not None:
            predicted = (estimate.minutes, estimate.low, estimate.high)
            told |= dict(zip(("predicted_minutes", "predicted_low", "predicted_high"), predicted, strict=True))
        change.log.told.append(told)


def _tell_steps(concluded: Conclusion) -> None:
    change = concluded.change
    steps = change.steps or [StepTaken(change.locked.state, change.own_trigger, change.source)]
    subject = patient_subject(change.locked.user_id)
    for step in steps:
        seq = change.journey.number_of(subject) + 1
        snapshot = concluded.snapshot(JourneyRole.PATIENT, step.target, seq)
        payload = {"action": step.trigger_source, "trigger_type": str(step.trigger_type), **snapshot}
        change.journey.emit(subject, _event(change, JourneyEvent.STATE_UPDATE) | {"payload": payload})


def _tell_call(change: JourneyChange, call: CallTold, view: EntryView) -> None:
    told = entry_body(view)
    names = ("queue_id", "queue_number", "exam_name", "room", "called_at", "call_count")
    body = _event(change, call.event) | {"data": {name: told[name] for name in names}}
    change.journey.emit(patient_subject(change.locked.user_id), body)
    change.journey.emit(queue_subject(call.entry.queue_id), body)


def _tell_entry(change: JourneyChange, view: EntryView) -> None:
    told = entry_body(view)
    names = ("queue_id", "state", "queue_number", "position", "ahead", "estimated_wait_time", "estimate")
    data = {name: told[name] for name in names} | {"updated_at": change.journey.now.isoformat()}
    change.journey.emit(queue_subject(view.queue_id), _event(change, JourneyEvent.QUEUE_UPDATE) | {"data": data})


def _event(change: JourneyChange, event: JourneyEvent) -> Body:
    return {"type": str(event), "timestamp": change.journey.now.isoformat()}
