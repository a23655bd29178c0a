"""The SDK's npm package: made of the served files, and used from the tarball as somebody else would."""

import json
import re
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest

from dev.local.programs import ROOT

SDK = ROOT / "webapp" / "static" / "sdk"
WITH_NODE = str(ROOT / "dev" / "scripts" / "with-node")
TYPED_USE = """
import { WelnoClient, connect, sessionStream, WelnoError, type Stream } from "welno";
import { ThreadsClient } from "welno/threads";

const client = new WelnoClient({ baseUrl: "https://welno.example.com/api/v1", credentials: "omit" });
client.useToken("token");
const stream: Stream = connect(sessionStream("id", client), { onEvent: (event) => event.seq.toFixed() });
const seq: number = stream.cursor.seq;
const error: WelnoError = new WelnoError({ code: "X", status: seq });
export const threads = [new ThreadsClient(), error];
// @ts-expect-error an address is a text
new WelnoClient({ baseUrl: 8000 });
// @ts-expect-error a reader is needed
connect(sessionStream("id"), {});
"""
USE = """
import * as welno from "welno";
import { ThreadsClient } from "welno/threads";
const client = new welno.WelnoClient({ baseUrl: "https://welno.example.com/api/v1/" });
client.useToken("secret");
const at = { seq: 3, epoch: "e" };
console.log(JSON.stringify({
  names: Object.keys(welno).sort(), protocols: client.socketProtocols, socket: client.socketUrl("id", at),
  threads: typeof ThreadsClient,
}));
"""


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("packed")
    packed = Path(run([str(ROOT / "dev" / "scripts" / "pack-sdk"), str(into)], ROOT).strip())
    assert packed.parent == into
    return packed


@pytest.fixture(scope="module")
def project(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an integrator, who has installed the tarball."""
    made = tmp_path_factory.mktemp("project")
    (made / "package.json").write_text(json.dumps({"name": "integrator", "private": True, "type": "module"}))
    run([WITH_NODE, "npm", "install", "--prefix", str(made), "--offline", "--loglevel=error", str(tarball)], made)
    return made


def contents(tarball: Path) -> dict[str, bytes]:
    with tarfile.open(tarball) as packed:
        files = [member for member in packed.getmembers() if member.isfile()]
        return {member.name.removeprefix("package/"): packed.extractfile(member).read() for member in files}  # type: ignore[union-attr] # files have contents


def test_it_holds_the_served_files_and_their_types_alone(tarball: Path):
    served = {str(path.relative_to(SDK)): path.read_bytes() for path in SDK.rglob("*.js")}
    packed = contents(tarball)
    types = {name.removesuffix(".js") + ".d.ts" for name in served}
    assert {name: text for name, text in packed.items() if name.endswith(".js")} == served
    assert packed.keys() == served.keys() | types | {"package.json", "README.md"}


def test_its_manifest_names_no_dependency_and_what_it_exports_is_there(tarball: Path):
    packed = contents(tarball)
    manifest = json.loads(packed["package.json"])
    assert not {"dependencies", "peerDependencies", "optionalDependencies", "scripts"} & manifest.keys()
    assert set(manifest["exports"]) == {".", "./shl", "./threads", "./package.json"}
    targets = [target for name in (".", "./shl", "./threads") for target in manifest["exports"][name].values()]
    assert [target for target in targets if target.removeprefix("./") not in packed] == []
    assert manifest["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_nothing_in_it_is_of_this_machine(tarball: Path):
    text = b"\n".join(contents(tarball).values()).decode()
    assert [place for place in (str(ROOT), f"{Path.home()}/") if place in text] == []
    assert re.findall(r"file://|/tmp/|/home/|/Users/", text) == []


def test_node_imports_the_installed_package(project: Path):
    (project / "use.js").write_text(USE)
    used = json.loads(run([WITH_NODE, "node", str(project / "use.js")], project))
    exported = " ".join(re.findall(r"^export \{([^}]+)\}", (SDK / "welno.js").read_text(), re.MULTILINE))
    assert used["names"] == sorted(re.findall(r"\w+", exported))
    assert used["protocols"] == ["welno.v1", "welno.token.secret"]
    assert used["socket"] == "wss://welno.example.com/api/v1/tilko/ws/id?after_seq=3&epoch=e"
    assert used["threads"] == "function"


@pytest.mark.parametrize(("module", "resolution"), [("nodenext", "nodenext"), ("esnext", "bundler")])
def test_its_types_resolve_and_refuse_what_is_wrong(project: Path, module: str, resolution: str):
    (project / "use.ts").write_text(TYPED_USE)
    compilers = ROOT.glob(".cache/sdk-[0-9]*/node_modules/typescript/bin/tsc")
    compiler = max(compilers, key=lambda path: path.stat().st_mtime)
    options = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,dom,dom.iterable"]
    ways = ["--module", module, "--moduleResolution", resolution]
    run([WITH_NODE, "node", str(compiler), *options, *ways, str(project / "use.ts")], project)
