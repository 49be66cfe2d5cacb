"""One event file of 200,000 scalars, from the file to its values: Rewardboard, TensorBoard's loader, its Rust server.

    python -m tests.benchmarks.bench_event_files [--scalars 200000] [--repeat 5]

The readers take turns on the same file (page cache warm), so that a busy machine hits all of them; the table has
medians. Rewardboard checks every checksum and ends in Arrow batches; EventFileLoader ends in parsed events; the
data server is asked, through TensorBoard's own client, for every point of every tag (start of the server included,
and told on its own beside it).
"""

from __future__ import annotations

import argparse
import contextlib
import math
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from analysis.records import Scalars
from analysis.sources.base import Job
from analysis.sources.tensorboard import EventFile

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tensorboard import context
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.data import server_ingester
    from tensorboard.util import grpc_util
    from torch.utils.tensorboard import SummaryWriter

TAGS = 20


def make(folder: Path, scalars: int, *, new_style: bool = False) -> Path:
    """A file as trainers write it: 20 metrics a step, by torch's SummaryWriter."""
    writer = SummaryWriter(str(folder), max_queue=10_000)
    for i in range(scalars):
        step, tag = divmod(i, TAGS)
        writer.add_scalar(f"train/metric_{tag}", math.sin(step * (tag + 1)), step, new_style=new_style)
    writer.close()
    (path,) = folder.glob("*tfevents*")
    return path


def ours(path: Path) -> int:
    """Rewardboard's source, file to Scalars batches."""
    chunks = EventFile().read(Job(path))
    return sum(len(record) for chunk in chunks for record in chunk.records if isinstance(record, Scalars))


def loader(path: Path) -> int:
    """TensorBoard's reader in Python."""
    return sum(len(event.summary.value) for event in EventFileLoader(str(path)).Load())


def data_server(path: Path, scalars: int, started: list[float]) -> int:
    """TensorBoard's data server in Rust, through its client; `started` takes the seconds until it answers."""
    begin = time.perf_counter()
    ingester = server_ingester.SubprocessServerDataIngester(
        server_binary=server_ingester.get_server_binary(),
        logdir=str(path.parent),
        reload_interval=0,
        channel_creds_type=grpc_util.ChannelCredsType.LOCAL,
        samples_per_plugin={"scalars": 0},
    )
    ingester.start()
    started.append(time.perf_counter() - begin)
    provider, what = ingester.data_provider, {"experiment_id": "", "plugin_name": "scalars"}
    last = (scalars - 1) // TAGS  # the step of the last point of the first tag, and TAGS points a step
    while not _loaded(provider.list_scalars(context.RequestContext(), **what), last, scalars):
        time.sleep(0.001)  # the server answers while it still loads
    found = provider.read_scalars(context.RequestContext(), **what, downsample=2**31 - 1)
    count = sum(len(points) for run in found.values() for points in run.values())
    # the server ends with its input
    ingester._stdin_handle.close()
    return count


def _loaded(runs: Mapping[str, Mapping[str, Any]], last: int, scalars: int) -> bool:
    ends = [series.max_step for tags in runs.values() for series in tags.values()]
    return len(ends) == min(TAGS, scalars) and sum(ends) == last * len(ends) - (-scalars % TAGS)


def seconds(work: Callable[[], int], expected: int) -> float:
    """Wall time of one call, whose answer must be right."""
    begin = time.perf_counter()
    count = work()
    taken = time.perf_counter() - begin
    assert count == expected, f"read {count} scalars instead of {expected}"
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scalars", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    n = options.scalars
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        path = make(Path(folder, "plain"), n)
        tensors = make(Path(folder, "tensors"), n, new_style=True)
        started: list[float] = []
        readers: dict[str, Callable[[], int]] = {
            "Rewardboard": lambda: ours(path),
            "EventFileLoader": lambda: loader(path),
            "Rust data server": lambda: data_server(path, n, started),
            "Rewardboard, tensor scalars": lambda: ours(tensors),
        }
        times: dict[str, list[float]] = {name: [] for name in readers}
        ours(path)  # first call: imports
        for _ in range(options.repeat):
            for name, work in readers.items():
                times[name].append(seconds(work, n))
    print(f"{n:,} scalars, {TAGS} tags, median of {options.repeat}")
    print(f"{'':<30}{'seconds':>10}{'scalars/s':>14}{'min..max s':>18}{'Rewardboard is':>17}")
    best = median(times["Rewardboard"])
    for name, taken in times.items():
        middle, spread = median(taken), f"{min(taken):.3f}..{max(taken):.3f}"
        print(f"{name:<30}{middle:>10.3f}{n / middle:>14,.0f}{spread:>18}{middle / best:>12.1f} times")
    print(f"the data server's start is {median(started):.3f} s of its time")


if __name__ == "__main__":
    main()
