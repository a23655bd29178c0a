"""The stores of one process, built once at its edge from the settings: PostgreSQL, Redis, the event log, sealing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis import BlockingConnectionPool, Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from core.names import SESSION_PREFIX
from core.redis_pools import build_pool
from core.sealing import Sealer
from core.settings import Settings
from services.accounts.hashing import PasswordHashes
from services.collection.pushes import Pushes
from services.collection.session_cache import SessionCache
from services.collection.session_tokens import SessionTokens
from services.collection.sessions import SessionDirectory
from services.database import connect_database, connect_replica
from services.delivery.event_sender import EventSender
from services.delivery.history_reader import HistoryReader
from services.delivery.kinds import Lifetime, RowCounter, SubjectKind, SubjectKinds
from services.delivery.unit_of_work import TaskCall, UnitOfWork
from services.interviews.kinds import project_kind
from services.interviews.row_security import MemberUnitOfWork
from services.journey.dynamic_tags import TagKeys
from services.journey.estimates import RuleBasedEstimator
from services.journey.kinds import journey_kinds
from services.journey.people import UserDirectory
from services.journey.web_push.messages import PushKey
from services.journey.web_push.subscriptions import WebPushSubscriptions
from services.journey.work import Journeys
from services.patients.access_log import AccessLog
from services.patients.consent_texts import read_consent_texts
from services.patients.consents import Consents
from services.replica import Replica
from services.threads.acting import ThreadUnitOfWork
from services.threads.kinds import thread_kind
from services.threads.service_member import ServiceMember
from services.webhooks.outcomes import queue_outcome
from streams import Streams
from streams.control import ControlChannel
from streams.wake import WakeChannel

_REDIS_TIMEOUT_SECONDS = 5
_REDIS_CONNECTIONS = 100


@dataclass(frozen=True)
class Stores:
    """What services are given. `unit_of_work()` opens the one transaction of a request or task. `replica` is None where
    there is no address of one."""

    settings: Settings
    clock: Clock
    engine: Engine
    sessions: sessionmaker[Session]
    replica: Replica | None
    redis: Redis
    streams: Streams
    kinds: SubjectKinds
    events: HistoryReader
    sender: EventSender
    sealer: Sealer
    password_hashes: PasswordHashes
    consents: Consents
    session_lifetime: Lifetime
    directory: SessionDirectory
    pushes: Pushes
    access_log: AccessLog
    people: UserDirectory
    tag_keys: TagKeys
    journeys: Journeys
    web_push: WebPushSubscriptions
    member_work: MemberUnitOfWork
    threads: ThreadUnitOfWork
    service_member: ServiceMember
    unit_of_work: UnitOfWork

    def close(self) -> None:
        self.engine.dispose()
        if self.replica is not None:
            self.replica.close()
        self.redis.close()


def connect_redis(url: str, kind: type[Redis] = Redis) -> Redis:
    """A client that answers bytes, with time-outs, and one quick retry for a connection that was cut while idle. Beyond
    its connections callers wait for one, no longer than for an answer."""
    options: dict[str, Any] = {
        "max_connections": _REDIS_CONNECTIONS,
        "timeout": _REDIS_TIMEOUT_SECONDS,
        "socket_timeout": _REDIS_TIMEOUT_SECONDS,
        "socket_connect_timeout": _REDIS_TIMEOUT_SECONDS,
        "health_check_interval": 30,
        "retry": Retry(ExponentialBackoff(cap=0.2, base=0.02), 1),
    }
    return kind.from_pool(build_pool(url, BlockingConnectionPool, **options))


def build_stores(
    settings: Settings, clock: Clock, send: Callable[[TaskCall], object], redis_kind: type[Redis] = Redis
) -> Stores:
    """Wire everything; no connection is opened yet, so this is safe before a fork."""
    engine = connect_database(settings.stores.database_url, settings.stores.database_pool_size, clock)
    sessions = sessionmaker(engine, expire_on_commit=False)
    redis = connect_redis(settings.stores.redis_url, redis_kind)
    streams = Streams(redis)
    sealer = Sealer(settings.secrets.sealing_keys)
    tag_keys = TagKeys(sealer)
    cache = SessionCache(sealer, clock)
    kinds = SubjectKinds(
        [
            session_kind(cache, settings),
            *journey_kinds(settings.journey),
            project_kind(settings),
            thread_kind(settings),
        ]
    )
    sender = EventSender(sessions, streams, kinds)
    control = ControlChannel(redis)
    lifetime = _session_lifetime(settings)
    directory = SessionDirectory(
        sessions, lifetime=lifetime, clock=clock, tokens=SessionTokens(settings.secrets.jwt_secret)
    )
    unit_of_work = UnitOfWork(
        sessions,
        kinds,
        sender.deliver,
        send,
        control.reauthorize_subject,
        control.reauthorize_login,
        WakeChannel(redis).wake,
    )
    return Stores(
        settings=settings,
        clock=clock,
        engine=engine,
        sessions=sessions,
        replica=_build_replica(settings, clock),
        redis=redis,
        streams=streams,
        kinds=kinds,
        events=HistoryReader(sessions, streams, kinds),
        sender=sender,
        sealer=sealer,
        password_hashes=PasswordHashes(settings.secrets.password_pepper),
        consents=build_consents(settings),
        session_lifetime=lifetime,
        directory=directory,
        pushes=Pushes(
            sealer, settings.secrets.pseudonym_key, timedelta(seconds=settings.collection.push_takeover_seconds)
        ),
        access_log=AccessLog(sealer, settings.secrets.pseudonym_key),
        people=UserDirectory(sealer, settings.secrets.pseudonym_key),
        tag_keys=tag_keys,
        journeys=Journeys(unit_of_work, settings.journey, clock, RuleBasedEstimator(), tag_keys),
        web_push=WebPushSubscriptions(sealer, settings.secrets.pseudonym_key, _push_key_id(settings)),
        member_work=MemberUnitOfWork(unit_of_work, clock),
        threads=ThreadUnitOfWork(unit_of_work, clock, settings.threads),
        service_member=ServiceMember(sealer),
        unit_of_work=unit_of_work,
    )


def _push_key_id(settings: Settings) -> str:
    """Empty where web push is off."""
    return PushKey(settings.journey.push_key).id if settings.journey.push_hosts else ""


def _build_replica(settings: Settings, clock: Clock) -> Replica | None:
    stores = settings.stores
    if not stores.database_replica_url:
        return None
    engine = connect_replica(stores.database_replica_url, stores.database_pool_size)
    return Replica(engine, clock, stores.replica_max_lag_seconds)


def build_consents(settings: Settings) -> Consents:
    return Consents(
        read_consent_texts(settings),
        valid_for=timedelta(days=settings.consents.valid_days),
        pseudonym_key=settings.secrets.pseudonym_key,
    )


def session_kind(cache: SessionCache, settings: Settings) -> SubjectKind:
    """The subjects of the collection: `tilko_session:{session_id}`."""
    return SubjectKind(
        prefix=SESSION_PREFIX,
        counter=RowCounter("welno.welno_collection_history", "session_id", has_revision=True),
        keep_days=settings.stores.log_keep_days_session,
        project=cache.project,
        project_row=cache.project_row,
        follower=queue_outcome,
        lifetime=_session_lifetime(settings),
    )


def _session_lifetime(settings: Settings) -> Lifetime:
    return Lifetime(
        ttl=timedelta(seconds=settings.collection.session_ttl_seconds),
        longest=timedelta(seconds=settings.collection.session_max_seconds),
    )
