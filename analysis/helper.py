"""A process of our own beside this one, which answers on its standard output what it is asked on its standard input.

It ends with this one, as its input ends then.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


def started(module: str, *, pipesize: int = -1) -> subprocess.Popen[bytes]:
    """A new process that runs `answer()` of a module of ours. Raises OSError if there is none to be had.

    pipesize : bytes that its pipes hold, where the system lets us choose; -1 for the system's own
    """
    return subprocess.Popen(
        # without the folder that it is started in, whose files may have the names of our modules
        [sys.executable, "-P", "-c", f"from {module} import answer; answer()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pipesize=pipesize,
        start_new_session=True,  # Ctrl-C is for the program that it belongs to
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p and isinstance(p, str)),  # notebooks add Paths
            "OMP_NUM_THREADS": "1",
        },
    )


NICE = 10
"""A tenth of the weight of others (sched(7)): they hardly feel it, and on a machine that is always busy it still moves."""


def give_way() -> None:
    """Let this process have the cores that others leave, as far as the system allows it."""
    with suppress(AttributeError, OSError):  # not on every system
        os.nice(NICE)
    # Linux weighs sessions before it looks at niceness within one, and `started` opens one (sched(7), autogroup)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICE))
