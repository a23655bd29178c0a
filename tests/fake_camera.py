"""What somebody holds before a browser's camera: a QR code as Chromium's fake camera films it."""

import json
import subprocess
from pathlib import Path

from dev.local.programs import ROOT

_ENCODE = """
import encodeQR from "qr";
console.log(JSON.stringify(encodeQR(process.argv[1], "raw", { border: 4 }).map((row) => row.map(Number))));
"""
_DOT = 6


def camera_flags(film: Path) -> list[str]:
    """Of a Chromium whose camera is allowed, and sees what the film holds when it is opened."""
    flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    return [*flags, f"--use-file-for-fake-video-capture={film}"]


def hold(film: Path, text: str) -> None:
    """One frame of grey, in the place of what was held before."""
    command = [ROOT / "dev" / "scripts" / "with-node", "node", "--input-type=module", "-e", _ENCODE, text]
    done = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True, timeout=30)
    dots = json.loads(done.stdout)
    size = len(dots) * _DOT // 4 * 4
    rows = [bytes(16 if dots[y // _DOT][x // _DOT] else 235 for x in range(size)) for y in range(size)]
    colourless = bytes([128]) * (size * size // 2)
    head = f"YUV4MPEG2 W{size} H{size} F10:1 Ip A1:1 C420\n".encode()
    film.write_bytes(head + b"FRAME\n" + b"".join(rows) + colourless)
