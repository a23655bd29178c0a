"""The edge: HTTP, WebSocket and the page; everything a browser can reach."""

from functools import cache

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from core.clock import clock
from core.derived_keys import Purpose, derive_key
from core.logs import configure_logs
from core.settings import Settings, load_settings
from services.accounts.token_claims import LEEWAY_SECONDS
from services.interviews.chats import Chats
from services.journey.maps.store import MAPS_FOLDER, FloorMaps, FolderMapStore
from services.stores import build_stores
from spool import open_spool
from streams.multiplexed import MultiplexedRedis
from webapp import interviews_pages, journey_pages, pages, shl_pages, threads_pages
from webapp.answers import in_pieces
from webapp.api import asyncapi, failed_requests, health, reference
from webapp.api.accounts import members, sign_in
from webapp.api.collection import consents, files, runs, sessions, stream
from webapp.api.documented import AUTHENTICATION, security_schemes
from webapp.api.examples import add_examples
from webapp.api.interviews.routes import add_interviews
from webapp.api.journey.routes import add_journey
from webapp.api.patients import (
    access_log,
    browser_keys,
    erasures,
    exports,
    joins,
    operator_sign_out,
    passwords,
    records,
)
from webapp.api.patients import sessions as patient_sessions
from webapp.api.patients import sign_in as patient_sign_in
from webapp.api.shl.routes import add_health_links
from webapp.api.threads.routes import add_threads
from webapp.auth import refuse_revoked
from webapp.auth.credentials import PROTOCOL
from webapp.bodies import check_bodies
from webapp.commands import add_commands
from webapp.cookies import PATIENT_COOKIE, cookie_name
from webapp.current import Parts, keep_parts, parts
from webapp.demo_people import read_demo_people
from webapp.errors import answer_errors
from webapp.extensions import build_api, build_jwt, build_limiter
from webapp.failed_requests import keep_failures
from webapp.headers import harden
from webapp.jobs import build_task_sender
from webapp.json_provider import Utf8JsonProvider
from webapp.limit_storage import SHARED_CLOCK, build_limit_pool
from webapp.observing import observe
from webapp.origins import share_with_origin
from webapp.probes import ProcessReadiness, build_readiness
from webapp.relay.handshake import install_handshake
from webapp.relay.reader_leases import ReaderLeases, connect_leases
from webapp.relay.relay import Relay
from webapp.replica_reads import tell_as_of
from webapp.request_bounds import bound_requests


def create_app(settings: Settings | None = None) -> Flask:
    """Wire everything. No connection is opened and no thread started yet, so this is safe before a fork."""
    settings = settings or load_settings()
    configure_logs(settings.processes.log_level, "web")
    app = Flask(__name__)
    app.json = Utf8JsonProvider(app)
    app.wsgi_app = in_pieces(app.wsgi_app)  # type: ignore[method-assign, assignment] # as Flask documents it
    observe(app)
    answer_errors(app)
    bound_requests(app)
    check_bodies(app)
    app.after_request(harden)
    app.after_request(tell_as_of)
    app.after_request(share_with_origin)
    keep_parts(app, build_parts(app, settings))
    keep_failures(app, parts(app).stores.redis, clock)
    secure = settings.web.cookie_secure
    cookie = cookie_name(PATIENT_COOKIE, is_secure=secure)
    jwt_secret = settings.secrets.jwt_secret
    refuse_revoked(build_jwt(app, jwt_secret, cookie=cookie, cookie_secure=secure, leeway_seconds=LEEWAY_SECONDS))
    add_routes(app, with_documents=settings.web.api_docs)
    add_commands(app)
    pages.show_consent_texts(app, parts(app).stores.consents.texts)
    pages.show_demo_people(app, read_demo_people(settings.accounts))
    if settings.web.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # as Flask documents it
            app.wsgi_app, x_for=settings.web.trusted_proxies, x_proto=settings.web.trusted_proxies
        )
    return app


def build_parts(app: Flask, settings: Settings) -> Parts:
    tasks = build_task_sender(settings.stores.broker_url)
    stores = build_stores(settings, clock, tasks, MultiplexedRedis)
    spool = open_spool(settings.files, stores.sealer, clock)
    pseudonym_key = derive_key(settings.secrets.pseudonym_key.encode(), Purpose.READERS)
    relay = Relay(
        stores.events,
        settings.stores.redis_url,
        settings.relay,
        leases=ReaderLeases(connect_leases(settings.stores.redis_url), pseudonym_key),
        check_positions_every_seconds=settings.relay.position_check_seconds,
    )
    limits_pool = build_limit_pool(settings.stores.redis_url)
    limiter = build_limiter(app, limits_pool, SHARED_CLOCK, lambda: clock.now().timestamp())
    return Parts(
        stores=stores,
        spool=spool,
        maps=FloorMaps(FolderMapStore(settings.files.data_dir / MAPS_FOLDER)),
        limiter=limiter,
        readiness=build_readiness(stores, tasks, spool),
        process_readiness=ProcessReadiness(stores.engine),
        relay=relay,
        chats=Chats(settings, stores.member_work),
    )


def add_routes(app: Flask, *, with_documents: bool = True) -> None:
    api = build_api(app, AUTHENTICATION)
    for resource in (
        sessions,
        stream,
        records,
        browser_keys,
        consents,
        access_log,
        erasures,
        exports,
        joins,
        passwords,
        patient_sessions,
        operator_sign_out,
        patient_sign_in,
        files,
        runs,
        failed_requests,
        sign_in,
        members,
    ):
        api.register_blueprint(resource.blueprint)
    add_interviews(app, api)
    # Once for the app, and before any ProxyFix.
    sock = install_handshake(app, [PROTOCOL])
    add_threads(app, api, sock)
    add_health_links(api)
    if parts(app).stores.settings.journey.is_on:
        add_journey(app, api, sock)
        app.register_blueprint(journey_pages.blueprint)
    for name, scheme in security_schemes(cookie_secure=parts(app).stores.settings.web.cookie_secure).items():
        api.spec.components.security_scheme(name, scheme)
    app.extensions["welno_document"] = cache(lambda: add_examples(api.spec.to_dict()))
    stream.add_socket(app, sock)
    for plain in (
        health,
        pages,
        interviews_pages,
        threads_pages,
        shl_pages,
        *((reference, asyncapi) if with_documents else ()),
    ):
        app.register_blueprint(plain.blueprint)
    app.register_blueprint(threads_pages.scripts)
