"""The supervisor: ready lines, stopping in time, no orphans, restarts, clear refusals."""

import shutil
import signal
import socket
import time

import psutil
import pytest

from dev.local.health import answers
from tests.integration.dev.local.stand_ins import make_stack
from tests.waiting import wait_until


def url_of(supervisor, name):
    [line] = [line for line in supervisor.lines() if line.startswith(f"{name}: http")]
    return line.split(": ", 1)[1]


def sandbox_of(supervisor):
    """What is printed leads to the phone's page, which the stand-in does not have."""
    root, _, page = url_of(supervisor, "sandbox").rpartition("/")
    assert page == "phone"
    return root


def test_ready_is_told_once_when_everything_answers(supervise):
    supervisor = supervise()
    supervisor.wait_ready()
    assert answers(url_of(supervisor, "ready"))
    assert answers(sandbox_of(supervisor))
    assert url_of(supervisor, "flower")


def test_first_start_tells_what_takes_long(supervise, home):
    shutil.rmtree(home / "postgres")
    supervisor = supervise()
    supervisor.wait_ready()
    assert any("creating its data folder" in line for line in supervisor.lines())


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stopping_leaves_no_process(supervise, sig):
    supervisor = supervise()
    supervisor.wait_ready()
    family = supervisor.family()
    assert len(family) > 5
    supervisor.process.send_signal(sig)
    assert supervisor.process.wait(10) == 0
    assert not [child for child in family if child.is_running()]


def test_deaf_child_cannot_delay_the_end(supervise):
    supervisor = supervise("deaf")
    supervisor.wait_ready()
    family, asked_at = supervisor.family(), time.monotonic()
    supervisor.process.terminate()
    supervisor.process.wait(15)
    assert time.monotonic() - asked_at < 10
    assert not [child for child in family if child.is_running()]


def test_stop_during_the_start_ends_everything(supervise):
    supervisor = supervise()
    wait_until(lambda: "valkey: starting" in supervisor.lines(), 20)
    family = supervisor.family()
    supervisor.process.terminate()
    assert supervisor.process.wait(10) == 0
    assert not [child for child in family if child.is_running()]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask") or not psutil.LINUX, reason="the kernel's help is Linux's")
def test_killed_supervisor_leaves_no_orphan(supervise):
    supervisor = supervise("deaf")
    supervisor.wait_ready()
    family = supervisor.family()
    supervisor.process.kill()
    supervisor.process.wait()
    wait_until(lambda: not [child for child in family if child.is_running()], 10)


def test_dead_child_is_named_and_started_again(supervise):
    supervisor = supervise()
    supervisor.wait_ready()
    [web, _] = [child for child in supervisor.family() if "http.server" in child.cmdline()]
    web.kill()
    wait_until(lambda: any("ended unexpectedly (-9)" in line for line in supervisor.lines()))
    wait_until(lambda: answers(url_of(supervisor, "ready")) and answers(sandbox_of(supervisor)))


def test_dead_server_is_started_again(supervise):
    supervisor = supervise()
    supervisor.wait_ready()
    [valkey] = [child for child in supervisor.family() if "valkey-server" in " ".join(child.cmdline())]
    valkey.kill()
    wait_until(lambda: any("valkey ended unexpectedly" in line for line in supervisor.lines()))
    wait_until(lambda: any("valkey-server" in " ".join(child.cmdline()) for child in supervisor.family()))


def test_child_that_cannot_start_shows_its_last_lines(supervise):
    supervisor = supervise("fail")
    assert supervisor.process.wait(30) == 1
    output = "\n".join(supervisor.lines())
    assert "error: worker ended with 1" in output
    assert "the cupboard is bare" in output
    assert "ready:" not in output


def test_second_run_on_one_home_is_refused(supervise, home):
    supervise().wait_ready()
    second = supervise()
    assert second.process.wait(20) == 1
    assert f"{home} is in use by another run" in second.output.read_text()


def test_taken_port_is_named_with_its_setting_and_nothing_else_is_told(home, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(Exception, match=rf"port {port} \(web\) is taken; set WELNO_PORT to another first port"),
            make_stack(home, web_port=port),
        ):
            pytest.fail("it started")
    assert capsys.readouterr().out == ""
