"""Which process left its name, and whether it still runs: numbers go to others, and clocks are set."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import psutil
import pytest

from wrapper.left_name import LeftName, own_name, read_name


def test_this_process_runs_and_one_with_its_number_of_before_does_not():
    own = own_name()
    assert own.runs()
    assert not own._replace(started="long ago").runs()
    assert own._replace(started="").runs()


def test_a_process_that_ended_or_is_not_reaped_does_not_run():
    child = subprocess.Popen([sys.executable, "-c", ""])
    name = LeftName(socket.gethostname(), child.pid)
    psutil.wait_procs([psutil.Process(child.pid)], timeout=0)
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert not name.runs()
    child.wait()
    assert not name.runs()


@pytest.mark.skipif(sys.platform != "linux", reason="only there a start is counted from the boot")
def test_a_clock_that_is_set_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    """psutil counts from the time of day of the boot, which Linux moves when the clock is set."""
    own, create_time = own_name(), psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: create_time(process) - 86_400)
    assert own_name() == own
    assert own.runs()


def test_another_machine_is_taken_to_run():
    assert LeftName("another", 1, "x").runs()
    assert not LeftName("another", 1, "x").is_here()


@pytest.mark.parametrize("told", [None, [], {}, {"pid": "1"}, {"pid": True}, {"pid": 1.5}], ids=repr)
def test_what_is_no_name_is_none(told: object):
    assert read_name(told) is None


def test_names_of_before_starts_were_noted_are_read():
    assert read_name({"pid": os.getpid(), "host": socket.gethostname()}).runs()
    assert read_name({"pid": os.getpid()}).is_here()
