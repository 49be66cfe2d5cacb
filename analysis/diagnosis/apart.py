"""Diagnoses made in a process of their own, so that pages don't wait for them.

The process reads pickled signals from its standard input and writes pickled diagnoses to its standard output, one for
one. It belongs to the process that started it, ends with it (its input ends then), and gives way to all others.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from subprocess import Popen

from analysis.diagnosis.finding import Diagnosis
from analysis.diagnosis.signals import Signals
from analysis.helper import give_way, started
from analysis.records import RewardboardError


class DiagnosisError(RewardboardError):
    """A run can't be diagnosed: a detector or a cause failed on it."""


class Apart:
    """A process that diagnoses; started when it is first needed, and again if it died."""

    def __init__(self) -> None:
        self._process: Popen[bytes] | None = None
        self._lock = threading.Lock()

    def diagnose(self, signals: Signals) -> Diagnosis:
        """What is wrong with a run. Raises DiagnosisError if a detector or cause fails, or the process dies of it."""
        if signals.examined is not None:
            signals = replace(signals, examined=signals.examined.settled())
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                self.close()
            if self._process is None:
                self._process = started(__name__)
            to, back = self._process.stdin, self._process.stdout
            assert to is not None
            assert back is not None
            try:
                pickle.dump(signals, to)
                to.flush()
                answer = pickle.load(back)
            except (OSError, EOFError) as error:
                self.close()
                raise DiagnosisError(
                    "the process that diagnoses ended", where=signals.run, mend="it is tried again with new rows"
                ) from error
        if isinstance(answer, Diagnosis):
            return answer
        raise DiagnosisError(
            f"the run can't be diagnosed: {answer}", where=signals.run, mend="it is tried again with new rows"
        )

    def close(self) -> None:
        """End the process; the next diagnosis starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()


def answer() -> None:
    """Read signals, write diagnoses, until the input ends."""
    from analysis.diagnosis.engine import diagnose

    give_way()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a plug-in prints is no diagnosis
    while True:
        try:
            signals = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            made: Diagnosis | str = diagnose(signals)
        except Exception as error:  # a plug-in's too: the other runs are diagnosed all the same
            made = f"{type(error).__name__}: {error}"
        try:
            pickle.dump(made, out)
            out.flush()
        except OSError:  # nobody reads any more
            return
