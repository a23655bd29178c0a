"""Invented people in each of the product's domains, who act in one life of its database and then in another."""

import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Self
from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.clock import clock
from core.names import Event, patient_subject, project_subject, queue_subject, session_subject, thread_subject
from models.accounts import Account, AccountChangeKind
from models.journey import JourneyRole, QueueEntry
from services.accounts.account_changes import record_change
from services.collection.events import say
from services.journey.actions import Expectation, perform_action
from services.journey.actors import JourneyActor
from tests.integration.interviews.company import World, build_world, fill_every_table
from tests.integration.webapp.canary import Canary, bring_canary
from tests.integration.webapp.journey.staff import patient_headers, staff_headers
from tests.integration.webapp.people import Person, arrive
from tests.integration.webapp.threads.members import Member, Talk, begin_talk
from webapp.current import parts

# What the patient does from their call on.
_DAY = ("enter_exam_room", "complete_exam", "make_payment", "make_payment", "leave_hospital")


@dataclass
class People:
    """Somebody with records who is called in a line, somebody who collects, a nurse and a doctor, two companies.
    `steps` is how much of their day the patient has behind them."""

    app: Flask
    canary: Canary
    patient: dict[str, str]  # the headers of the canary's phone in the hospital
    collecting: Person
    nurse: Member
    talk: Talk
    world: World
    queue_id: UUID
    steps: int = 0

    @classmethod
    def bring(cls, app: Flask, admin: Engine) -> Self:
        """`admin` fills the interviews' tables, which are forced for their owner."""
        canary = bring_canary(app)
        nurse, doctor = (Member(app.test_client(use_cookies=False), staff_headers(app)) for _ in range(2))
        talk = begin_talk(nurse, doctor)
        talk.say(nurse, 2)
        with Session(admin, expire_on_commit=False) as session, session.begin():
            world = build_world(session)
            for project, author in ((world.food, "mina"), (world.secret, "sora")):
                fill_every_table(session, world, project, author)
            queue_id = session.scalars(select(QueueEntry.queue_id)).one()
            given = session.get_one(Account, world.people["jun"])
            record_change(session, given, AccountChangeKind.ADDED, by="chief")
        patient = patient_headers(app, canary.user_id)
        return cls(app, canary, patient, arrive(app), nurse, talk, world, queue_id)

    def moved_to(self, app: Flask) -> "People":
        """The same with all they hold, before another database, in which the patient has just been called."""
        nurse = copy.copy(self.nurse)
        nurse.client = app.test_client(use_cookies=False)
        collecting = replace(self.collecting, client=app.test_client(use_cookies=False))
        return replace(self, app=app, nurse=nurse, collecting=collecting, steps=0)

    @property
    def subjects(self) -> dict[str, str]:
        return {
            "collection": session_subject(self.collecting.session_id),
            "patient": patient_subject(self.canary.user_id),
            "queue": queue_subject(self.queue_id),
            "thread": thread_subject(self.talk.id),
            "project": project_subject(self.world.food),
        }

    def act(self, times: int, word: str) -> None:
        """The patient's next steps; with each, one event of all others. What is said has the word in it."""
        here = parts(self.app).stores
        actor = JourneyActor(JourneyRole.PATIENT, self.canary.user_id, uuid4())
        for action in _DAY[self.steps : self.steps + times]:
            call = {"user_id": self.canary.user_id, "action": action, "payload": {}, "actor": actor}
            here.journeys.run(partial(perform_action, **call, expectation=Expectation(key=str(uuid4()))))
            self.talk.say(self.nurse)
            with here.unit_of_work() as work:
                say(work, UUID(self.collecting.session_id), Event.AUTH_WAITING, word, now=clock.now())
                work.emit(project_subject(self.world.food), {"type": "project:changed", "data": {"name": word}})
        self.steps += times
