"""Makes the secrets of a demo once, and keeps them in the home folder for its owner alone."""

import base64
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def new_password() -> str:
    return secrets.token_urlsafe(24)


def new_sealing_key() -> str:
    return f"demo-1:hkdf:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def new_push_key() -> str:
    """A private key of P-256: all but a few of all numbers of 32 bytes are."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def keep_secret(home: Path, name: str, make: Callable[[], str] = new_password) -> str:
    """The same value for the life of the home folder; written whole or not at all, as a torn one locks the data out."""
    folder = home / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        draft = folder / f".{name}.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)  # unlike a rename it never replaces what another process kept meanwhile
        draft.unlink()
    return path.read_text().strip()


def sandbox_keys(home: Path) -> dict[str, str]:
    return {
        "TILKO_API_KEY": keep_secret(home, "tilko_api_key"),
        "MEDIARC_API_KEY": keep_secret(home, "mediarc_api_key"),
        "MISO_API_KEY": keep_secret(home, "miso_api_key"),
        "MISO_AGENT_API_KEY": keep_secret(home, "miso_agent_api_key"),
        "MISO_KNOWLEDGE_API_KEY": keep_secret(home, "miso_knowledge_api_key"),
    }


def demo_secrets(home: Path) -> dict[str, str]:
    """The part of the environment that nobody but this demo may know."""
    return {
        **sandbox_keys(home),
        "WELNO_SEALING_KEYS": keep_secret(home, "sealing_keys", new_sealing_key),
        "WELNO_JWT_SECRET": keep_secret(home, "jwt_secret"),
        "WELNO_PSEUDONYM_KEY": keep_secret(home, "pseudonym_key"),
        "WELNO_PASSWORD_PEPPER": keep_secret(home, "password_pepper"),
        "WELNO_PUSH_KEY": keep_secret(home, "push_key", new_push_key),
    }


def demo_environment(
    home: Path, *, database_url: str, redis_url: str, sandbox_port: int, web_port: int, flower_port: int
) -> dict[str, str]:
    """What the children read. The demo's own values win over the caller's, whose origins are added; other
    WELNO_* settings pass."""
    sandbox_url = f"http://127.0.0.1:{sandbox_port}"
    own = {
        **demo_secrets(home),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": redis_url,
        "TILKO_BASE_URL": sandbox_url,
        "TILKO_DATA_DIR": str(home / "tilko_data"),
        "MEDIARC_API_URL": f"{sandbox_url}/mediarc/predict",
        "MISO_API_URL": sandbox_url,
        "MISO_DATASET_ID": "demo",
        "EMR_API_URL": f"{sandbox_url}/emr",
        "WELNO_ALLOWED_ORIGINS": _with_callers(
            "WELNO_ALLOWED_ORIGINS", f"http://127.0.0.1:{web_port},http://localhost:{web_port}"
        ),
        # Who tries it receives on this machine.
        "WELNO_WEBHOOK_NETWORKS": _with_callers("WELNO_WEBHOOK_NETWORKS", "127.0.0.0/8,::1/128"),
        "WELNO_COOKIE_SECURE": "false",  # the demo speaks plain HTTP on this machine only
        "WELNO_CONTROLLER": "웰노(시연용)",
        "WELNO_CONTROLLER_CONTACT": "privacy@welno.example",
        "WELNO_FLOWER_ORIGINS": f"http://127.0.0.1:{flower_port},http://localhost:{flower_port}",
        "PYTHONUNBUFFERED": "1",
    }
    # A setting that is given as a value and as a file stops the start.
    return _foreign_environment(without={f"{name}_FILE" for name in own}) | own


def _with_callers(name: str, own: str) -> str:
    """A list that the caller may add to."""
    return ",".join(filter(None, (own, os.environ.get(name, "").strip())))


def _foreign_environment(without: set[str]) -> dict[str, str]:
    """The caller's, without what would send a client or a server elsewhere."""
    stray = ("CELERY_", "FLOWER_", "PG")
    return {name: value for name, value in os.environ.items() if not name.startswith(stray) and name not in without}
