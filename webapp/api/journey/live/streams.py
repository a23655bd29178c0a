"""Which stream somebody may follow, and how it greets them. Everything here may block."""

from collections.abc import Mapping
from uuid import UUID

from core.names import exam_subject, hall_subject, patient_subject, queue_subject
from services.journey.errors import EntryNotFound
from services.journey.hospital import NotThere, find_display
from services.journey.hospital_cache import HospitalCache
from services.stores import Stores
from webapp.api.journey.live.admission import Admitted, NotTheirs
from webapp.api.journey.live.authority import DisplayRight, JourneyAuthority, LoginRight
from webapp.api.journey.live.commands import ACTION_COMMANDS, EnterApp, PatientCommands
from webapp.api.journey.live.greetings import board_frame, entry_frame, hall_frame, initial_state, owner_of
from webapp.api.journey.live.sources import OF_A_WARD, OF_ONE_PERSON, JourneySource, LiveStream
from webapp.api.journey.shown_people import StreamOpening, record_opening
from webapp.auth.displays import HallScreen
from webapp.auth.journey_callers import JourneyCaller
from webapp.limits import CallerPlace
from webapp.relay.stream_source import Command


class LiveStreams:
    """Of one process. Raises NotTheirs for what is unknown, another's, or not of the role."""

    def __init__(self, here: Stores, enter_app: EnterApp) -> None:
        self._here = here
        self._enter_app = enter_app
        # One for the process: the relay asks it about all readers together.
        self._authority = JourneyAuthority(here)

    def of_patient(self, caller: JourneyCaller, place: CallerPlace) -> Admitted:
        if caller.is_staff:
            raise NotTheirs
        commands = PatientCommands(self._here, self._enter_app, caller, place)
        stream = LiveStream(
            subject=patient_subject(caller.principal_id),
            right=LoginRight(caller.sid),
            max_readers=OF_ONE_PERSON,
            greet=lambda: initial_state(self._here, caller.principal_id),
            commands={name: getattr(commands, method) for name, method in ACTION_COMMANDS.items()},
        )
        return self._admit(stream, str(caller.principal_id))

    def of_entry(self, caller: JourneyCaller, queue_id: str, opening: StreamOpening) -> Admitted:
        """Of staff it is written down, with the reason. Raises ApiError, too."""
        try:
            known = UUID(queue_id)
            owner = owner_of(self._here, known)
        except (ValueError, EntryNotFound) as exc:
            raise NotTheirs from exc
        if not caller.is_staff and owner != caller.principal_id:
            raise NotTheirs
        record_opening(self._here, caller, owner, opening)
        stream = LiveStream(
            subject=queue_subject(known),
            right=LoginRight(caller.sid),
            max_readers=OF_ONE_PERSON,
            greet=lambda: entry_frame(self._here, known),
            commands=_NONE,
        )
        return self._admit(stream, str(caller.principal_id))

    def of_exam(self, caller: JourneyCaller, exam_id: str) -> Admitted:
        if not caller.is_staff or exam_id not in HospitalCache(self._here.redis, self._here.sessions).look().exams:
            raise NotTheirs
        stream = LiveStream(
            subject=exam_subject(exam_id),
            right=LoginRight(caller.sid),
            max_readers=OF_A_WARD,
            greet=lambda: board_frame(self._here, exam_id),
            commands=_NONE,
        )
        return self._admit(stream, str(caller.principal_id))

    def of_display(self, display_id: str, key: str) -> Admitted | None:
        """None for a key that opens nothing."""
        with self._here.sessions() as session:
            try:
                display = find_display(session, display_id, key)
            except NotThere as exc:
                raise NotTheirs from exc
        return None if display is None else self.of_hall(HallScreen.of(display))

    def of_hall(self, screen: HallScreen) -> Admitted:
        stream = LiveStream(
            subject=hall_subject(screen.display_id),
            right=DisplayRight(screen.display_id, screen.key_hash),
            max_readers=OF_A_WARD,
            greet=lambda: hall_frame(self._here, screen.display_id),
            commands=_NONE,
        )
        return self._admit(stream, None)

    def _admit(self, stream: LiveStream, person: str | None) -> Admitted:
        return Admitted(JourneySource(self._authority, stream), person)


_NONE: Mapping[str, Command] = {}
