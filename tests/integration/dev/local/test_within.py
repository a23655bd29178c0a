"""Commands in the environment of the demo that runs."""

import os
import subprocess
import sys

import pytest

from dev.local.errors import StartFailedError
from dev.local.programs import ROOT, Ports
from dev.local.secrets import keep_secret
from dev.local.within import read_environment


def test_environment_leads_to_the_running_servers(empty_postgres, valkey, server_home):
    ports = Ports(1, 2, 3, empty_postgres.port, valkey.port)
    env = read_environment(server_home, ports)
    assert (env["DATABASE_URL"], env["REDIS_URL"]) == (empty_postgres.url, valkey.url)


def test_missing_demo_is_named_with_its_remedy(home):
    with pytest.raises(StartFailedError, match="make run"):
        read_environment(home, Ports.counted_from("8000"))


def test_command_gets_the_secrets_of_the_demo(home):
    secret = keep_secret(home, "jwt_secret")
    command = [
        sys.executable,
        "-m",
        "dev.local.within",
        sys.executable,
        "-c",
        "import os; print(os.environ['WELNO_JWT_SECRET'])",
    ]
    env = {**os.environ, "WELNO_HOME": str(home), "WELNO_PORT": "8000"}
    assert subprocess.check_output(command, cwd=ROOT, env=env, text=True).strip() == secret
