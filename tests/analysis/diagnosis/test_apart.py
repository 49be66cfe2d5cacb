"""Diagnoses in a process of their own.

Where an expert would catch it being wrong: it says something else than the same code here; a detector that fails, or a
process that is killed, ends all diagnosing; what a plug-in prints is read as an answer; the process outlives its owner; it takes
half of the machine from the pages, as a niceness counts only among the processes of one session.
"""

import math
import os
import pickle
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from analysis.diagnosis.apart import Apart, DiagnosisError
from analysis.diagnosis.engine import diagnose
from analysis.diagnosis.signals import Series, Signals
from analysis.helper import NICE


@pytest.fixture
def apart():
    made = Apart()
    yield made
    made.close()


def signals(values) -> Signals:
    steps = np.arange(len(values), dtype=float)
    series = {"kl.to_reference": Series("kl.to_reference", steps, np.asarray(values, float), "nats per sequence")}
    return Signals("run", "policy", "trl", "ppo", "/logs/run", series, None, None, None, {}, {})


def blow_up() -> list[float]:
    rng = np.random.default_rng(0)
    return [abs(rng.normal(5, 0.3)) * math.exp(0.05 * max(0, i - 100)) for i in range(200)]


def test_it_says_what_is_said_here(apart):
    said = signals(blow_up())
    assert apart.diagnose(said) == diagnose(said)
    assert apart.diagnose(said).findings, "a run without findings would compare two empty diagnoses"


def test_a_run_that_cannot_be_diagnosed_leaves_the_next_one_its_diagnosis(apart):
    broken = Signals("broken", "policy", "trl", "ppo", "", {"kl.to_reference": None}, None, None, None, {}, {})
    with pytest.raises(DiagnosisError, match="broken: the run can't be diagnosed"):
        apart.diagnose(broken)
    assert apart.diagnose(signals(blow_up())).run == "run"


def test_a_killed_process_is_told_and_started_again(apart):
    apart.diagnose(signals([1.0] * 10))
    os.kill(apart._process.pid, signal.SIGKILL)
    apart._process.wait()
    assert apart.diagnose(signals([1.0] * 10)).run == "run"


def test_it_gives_way_to_all_other_processes(apart):
    apart.diagnose(signals([1.0] * 10))
    process = apart._process.pid
    assert psutil.Process(process).nice() == NICE
    session, switch = Path(f"/proc/{process}/autogroup"), Path("/proc/sys/kernel/sched_autogroup_enabled")
    if not switch.exists() or switch.read_text().strip() != "1":
        pytest.skip("this system does not weigh sessions")
    assert session.read_text().split()[-1] == str(NICE)


def test_it_ends_with_its_owner(apart):
    apart.diagnose(signals([1.0] * 10))
    process = psutil.Process(apart._process.pid)
    apart._process.stdin.close()  # what the system does when the owner is killed
    until = time.monotonic() + 10
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < until:
        time.sleep(0.05)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_ctrl_c_at_a_terminal_is_not_told_by_its_traceback(apart):
    apart.diagnose(signals([1.0] * 10))
    assert os.getpgid(apart._process.pid) != os.getpgid(0)


def test_it_ends_quietly_where_nobody_waits_for_its_answer(apart, capfd):
    apart.diagnose(signals([1.0] * 10))
    process = apart._process
    process.stdout.close()
    pickle.dump(signals(blow_up()), process.stdin)
    process.stdin.close()
    assert process.wait(30) == 0
    assert capfd.readouterr().err == ""
