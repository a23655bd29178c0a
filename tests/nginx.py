"""A real nginx with the example of the documentation, where Debian's is installed; elsewhere its tests are skipped."""

import os
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.local.ports import LOOPBACK, pick_port
from dev.local.process import Process
from dev.local.programs import ROOT

NO_NGINX = "there is no nginx: install Debian's package nginx"
EXAMPLE = ROOT / "docs" / "examples" / "nginx.conf"


@dataclass(frozen=True)
class Nginx:
    """Where it listens, and the certificate that it shows."""

    https: int
    flower: int
    http: int
    certificate: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https}"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


def find_nginx() -> str:
    """Its path; CI fails where there is none."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is not None:
        return found
    if os.environ.get("CI"):
        pytest.fail(NO_NGINX)
    pytest.skip(NO_NGINX)


@contextmanager
def run_nginx(folder: Path, *, web_port: int, flower_port: int) -> Iterator[Nginx]:
    """The example, on ports of its own and with a certificate that was made for it."""
    program = find_nginx()
    nginx = Nginx(pick_port(), pick_port(), pick_port(), folder / "fullchain.pem")
    make_certificate(folder)
    example = EXAMPLE.read_text()
    for written, here in {
        "/etc/ssl/welno": str(folder),
        "welno.example.com;": "localhost;",
        "127.0.0.1:8000": f"{LOOPBACK}:{web_port}",
        "127.0.0.1:5555": f"{LOOPBACK}:{flower_port}",
        "listen 80;": f"listen {LOOPBACK}:{nginx.http};",
        "listen 443 ": f"listen {LOOPBACK}:{nginx.https} ",
        "listen 8443 ": f"listen {LOOPBACK}:{nginx.flower} ",
    }.items():
        assert written in example, written
        example = example.replace(written, here)
    (folder / "nginx.conf").write_text(f"{_around(folder)}http {{\n{_temporary(folder)}{example}}}\n")
    process = Process("nginx", [program, "-c", str(folder / "nginx.conf"), "-e", "stderr"], folder / "nginx.log")
    process.start()
    try:
        process.wait_until(lambda: _listens(nginx.https), 20)
        yield nginx
    finally:
        process.kill()


def _around(folder: Path) -> str:
    return f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nevents {{ worker_connections 512; }}\n"


def _temporary(folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def make_certificate(folder: Path) -> None:
    """Self-signed, of `localhost`, for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address(LOOPBACK))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "privkey.pem").write_bytes(private)
