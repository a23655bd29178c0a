"""The servers that the relay is measured against, each as people write it, and where their packages are put."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.local.programs import ROOT

HERE = Path(__file__).parent
# Folders of their own: the product's lock file holds none of their packages.
# Resolved: npm takes a folder behind a link for a package that its lock file lacks.
FOLDER = (ROOT / ".venv").resolve() / "bench-relay"
PYTHON = FOLDER / "bin" / "python"
NODE = FOLDER / "node"
NGINX = FOLDER / "nginx"
NGINX_BINARY = NGINX / "usr/sbin/nginx"
NCHAN_MODULE = NGINX / "usr/lib/nginx/modules/ngx_nchan_module.so"
# Built into Debian's nginx; nchan insists on it whatever the configuration says.
_NGINX_STATE = Path("/var/lib/nginx")
_REQUIREMENTS = ROOT / "dev/requirements/bench-relay.txt"


class PeerMissing(Exception):
    """A peer cannot be had on this machine; the message says why, in a sentence."""

    retryable = False


def install_python() -> None:
    """Channels, Starlette and uvicorn."""
    done = FOLDER / "python.done"
    if done.exists() and done.read_text() == _REQUIREMENTS.read_text():
        return
    print("installing dev/requirements/bench-relay.txt for the peers", flush=True)
    _run((sys.executable, "-m", "venv", str(FOLDER)), "Python's peers could not be installed")
    install = (str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(_REQUIREMENTS))
    _run(install, "Python's peers could not be installed")
    done.write_text(_REQUIREMENTS.read_text())


def install_node() -> None:
    """`ws` and ioredis, as their lock file says."""
    lock = (HERE / "node/package-lock.json").read_text()
    done = NODE / "node.done"
    if done.exists() and done.read_text() == lock:
        return
    print("installing ws and ioredis from npm", flush=True)
    NODE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "node" / name, NODE / name)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    command = (str(ROOT / "dev/scripts/with-node"), "npm", "ci", "--prefix", str(NODE), *options)
    _run(command, "Node's ws and ioredis could not be installed")
    done.write_text(lock)


def install_nchan() -> None:
    """From Debian's packages, unpacked beside the system and not into it."""
    try:
        _NGINX_STATE.mkdir(mode=0o755, exist_ok=True)
    except OSError as exc:
        raise PeerMissing(f"nchan: its nginx wants a folder {_NGINX_STATE}, which may not be made") from exc
    if NCHAN_MODULE.exists() and NGINX_BINARY.exists():
        return
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise PeerMissing("nchan: this machine has no apt")
    print("fetching nginx and nchan by apt", flush=True)
    NGINX.mkdir(parents=True, exist_ok=True)
    _run(("apt-get", "download", "nginx", "libnginx-mod-nchan"), "nchan: apt does not have it", NGINX)
    for package in NGINX.glob("*.deb"):
        _run(("dpkg-deb", "-x", str(package), str(NGINX)), "nchan: its package could not be unpacked")
    _run((str(NGINX_BINARY), "-V"), "nchan: its nginx does not run here")


def _run(command: Sequence[str], complaint: str, cwd: Path = ROOT) -> None:
    """Raises PeerMissing."""
    try:
        subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as exc:
        raise PeerMissing(complaint) from exc
