"""The edge: HTTP, WebSocket and the page; everything a browser can reach."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from core.clock import clock
from core.logs import configure_logs
from core.settings import Settings
from services.stores import build_stores
from spool import Spool
from streams.multiplexed import MultiplexedRedis
from webapp import pages
from webapp.api import asyncapi, health, reference
from webapp.api.accounts import sign_out
from webapp.api.collection import files, runs, sessions, stream
from webapp.api.documented import security_schemes
from webapp.api.patients import passwords, records
from webapp.auth import answer_revoked
from webapp.bodies import check_bodies
from webapp.current import Parts, keep_parts
from webapp.errors import answer_errors
from webapp.extensions import build_api, build_jwt, build_limiter
from webapp.headers import harden
from webapp.jobs import Jobs
from webapp.limits import open_limits_pool
from webapp.observing import observe
from webapp.origins import share_with_origin
from webapp.relay.limits import Limits
from webapp.relay.relay import Relay


def create_app(settings: Settings | None = None) -> Flask:
    """Wire everything. No connection is opened and no thread started yet, so this is safe before a fork."""
    settings = settings or Settings.read()
    configure_logs(settings.log_level, "web")
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined] # of Flask's own provider
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # as Flask documents it
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies
        )
    observe(app)
    answer_errors(app)
    check_bodies(app)
    app.after_request(harden)
    app.after_request(share_with_origin)
    keep_parts(app, build_parts(app, settings))
    answer_revoked(build_jwt(app, settings.jwt_secret, cookie_secure=settings.cookie_secure))
    add_routes(app)
    return app


def build_parts(app: Flask, settings: Settings) -> Parts:
    stores = build_stores(settings, clock, Jobs(settings.celery_broker_url).send, MultiplexedRedis)
    relay = Relay(
        stores.streams,
        settings.redis_url,
        Limits.of(settings),
        check_positions_every_seconds=settings.relay_position_check_seconds,
    )
    return Parts(
        stores=stores,
        spool=Spool(settings.tilko_data_dir, stores.sealer, clock),
        limiter=build_limiter(app, settings.redis_url, open_limits_pool(settings.redis_url)),
        relay=relay,
    )


def add_routes(app: Flask) -> None:
    api = build_api(app)
    for resource in (sessions, stream, records, passwords, files, runs, sign_out):
        api.register_blueprint(resource.blueprint)
    for name, scheme in security_schemes().items():
        api.spec.components.security_scheme(name, scheme)
    app.extensions["welno_document"] = api.spec.to_dict
    stream.add_socket(app)
    for plain in (health, reference, asyncapi, pages):
        app.register_blueprint(plain.blueprint)
