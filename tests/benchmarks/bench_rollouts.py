"""Looking through rollouts and scored pairs: server time of every request that the table makes, from rows to JSON.

    python -m tests.benchmarks.bench_rollouts

Budgets at a million rows: any sort or filter below 0.3 s, a page of an order that is known below 0.05 s, and memory that
does not grow with the number of views. Times are the least of several, with nothing kept from the time before; CPU time
is printed beside them, since a busy machine stretches the clock. Exponents tell the growth from 10,000 to 1,000,000 rows.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from analysis import Board, server
from analysis.rows import Ask
from analysis.store.kept import Kept
from dashboard import requests
from dashboard.tables import View, said

SIZES = (10_000, 100_000, 1_000_000)


def write_rollouts(path: Path, n: int) -> None:
    """Responses of a run with texts of some 200 characters."""
    rng = np.random.default_rng(n)
    prompt = rng.integers(0, 20_000, n)
    columns = {
        "step": np.arange(n) // max(n // 1000, 1),
        "prompt_id": pa.array(prompt).cast(pa.string()),
        "category": pa.array(["chat", "safety", "code", "math"]).take(pa.array(prompt % 4)),
        "score": rng.normal(size=n),
        "response_length": rng.integers(5, 500, n),
        "kl": rng.gamma(2, 2, n),
        "truncated": rng.random(n) < 0.05,
        "gold_score": rng.normal(size=n),
        "format_reward": rng.random(n).round(3),
        "completion": [f"{'some words of an answer ' * 8}{i}" for i in range(n)],
    }
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table(columns), path, row_group_size=100_000)


def write_pairs(path: Path, n: int) -> None:
    """Scored pairs, one in a hundred of them twice."""
    rng = np.random.default_rng(n)
    pair = rng.permutation(n)
    pair[: n // 100] = pair[-(n // 100) :]
    columns = {
        "pair_id": [f"pair-{i:07d}" for i in pair],
        "prompt_id": pa.array(pair // 3).cast(pa.string()),
        "category": pa.array(["chat", "safety", "code", "math"]).take(pa.array(pair % 4)),
        "chosen_score": rng.normal(0.5, 1, n),
        "rejected_score": rng.normal(0, 1, n),
        "chosen_length": rng.integers(5, 500, n),
        "rejected_length": rng.integers(5, 500, n),
    }
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table(columns), path)


def least(shared: server.Host, work: Callable[[], Any], view: View | None, repeat: int = 5) -> tuple[float, float]:
    """Least wall and CPU time of `work`; with a `view` only what its facts need is known, and no order."""
    walls, cpus = [], []
    for _ in range(repeat):
        if view is not None:
            shared.board._kept = Kept()
            view.table(shared.board).page(Ask(find="^$"), [])
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def requests_of(shared: server.Host, view: View) -> dict[str, Callable[[], Any]]:
    """What a reader does, as the requests that it makes."""
    facts = view.table(shared.board).facts()
    columns = [column.name for column in facts.columns]
    number = "score" if view.name == "rollouts" else "margin"
    middle = 0.5

    def ask(entries: list[str], offset: int = 0) -> Callable[[], Any]:
        asked = {**view.asked(), "columns": columns, "ask": entries, "offset": offset, "limit": 100}
        return lambda: requests.rows(shared, asked)

    works = {
        "facts (once for each version of the data)": lambda: view.table(shared.board).facts(),
        "first page": ask([]),
    }
    works |= {f"sort by {name}": ask([f"sort:-{name}"]) for name in columns}
    works["search ids and categories"] = ask([f"sort:{number}", "find:7$"])
    works["category"] = ask([f"sort:{number}", "category:chat"])
    works["range"] = ask([f"sort:{number}", f"{number}:{-middle}..{middle}"])
    works["deep page, new order"] = ask([f"sort:{number}"], facts.n * 9 // 10)
    across = "length" if view.name == "rollouts" else "chosen_length"
    works[f"picture: {number} by {across}"] = lambda: view.table(shared.board).spread(Ask(), across, number)
    return works


def known_orders(shared: server.Host, view: View, n: int) -> Callable[[], Any]:
    """Pages here and there of an order that is known, as scrolling asks for them."""
    asked = {**view.asked(), "columns": ["score" if view.name == "rollouts" else "margin"], "ask": ["sort:-prompt_id"]}
    places = iter(np.random.default_rng(0).integers(0, n, 10_000).tolist())
    return lambda: requests.rows(shared, {**asked, "offset": next(places), "limit": 100})


def memory(shared: server.Host, view: View) -> list[float]:
    """Megabytes of this process after 0, 100 and 200 different views."""
    process, held = psutil.Process(), []
    for turn in range(201):
        if turn % 100 == 0:
            held.append(process.memory_info().rss / 1e6)
        low = -2 + turn / 100
        entries = said(Ask(sort="score", descending=bool(turn % 2)))
        requests.rows(shared, {**view.asked(), "columns": ["score"], "ask": [*entries, f"score:{low}.."], "limit": 100})
    return held


def texts(shared: server.Host, view: View, n: int) -> None:
    """The texts of the last row, and a search through all of them, by reference."""
    file = shared.board.table("rollouts", view.runs).page(Ask(), ["score"], limit=1).rows[0]["file"]
    wall, _ = least(shared, lambda: view.table(shared.board).texts(file, n - 1), None, repeat=3)
    search = Ask(text="answer 12[0-9]*7$")
    first, _ = least(shared, lambda: view.table(shared.board).page(search, ["score"]), view, repeat=1)
    again, _ = least(shared, lambda: view.table(shared.board).page(search, ["score"]), None)
    print(f"  texts of the last row {wall:.3f} s; search of all texts {first:.2f} s, again {again:.3f} s")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Board.open(Path(folder, "bench.duckdb")) as board:
        shared = server.Host(board, [], None)
        for name, write in (("rollouts", write_rollouts), ("pairs", write_pairs)):
            times: dict[str, dict[int, tuple[float, float]]] = {}
            for n in SIZES:
                run = f"{name}-{n}"
                write(Path(folder, name, run, f"{name}.parquet"), n)
                start = time.perf_counter()
                board.ingest(Path(folder, name))
                times.setdefault("ingest", {})[n] = (time.perf_counter() - start, math.nan)
                view = View(name, (run,))
                for what, work in requests_of(shared, view).items():
                    times.setdefault(what, {})[n] = least(shared, work, view)
                start = time.perf_counter()
                shared.board._kept = Kept()
                view.table(board).facts()
                times.setdefault("facts, the first time", {})[n] = (time.perf_counter() - start, math.nan)
                page = known_orders(shared, view, n)
                page()
                times.setdefault("page of a known order", {})[n] = least(shared, page, None, repeat=30)
            print(f"\n{name}: wall (CPU) ms at {', '.join(f'{n:,}' for n in SIZES)} rows, exponent")
            for what, by_size in times.items():
                cells = "  ".join(f"{1e3 * w:8.1f} ({1e3 * c:6.1f})" for w, c in by_size.values())
                growth = math.log(by_size[SIZES[-1]][0] / by_size[SIZES[0]][0]) / math.log(SIZES[-1] / SIZES[0])
                print(f"  {what:42} {cells}  {growth:5.2f}")
            if name == "rollouts":
                texts(shared, view, n)
                held = memory(shared, view)
                kept = f"{board._kept.nbytes / 1e6:.0f} MB of it orders"
                print(f"  memory after 0, 100, 200 views: {', '.join(f'{m:.0f}' for m in held)} MB, {kept}")


if __name__ == "__main__":
    main()
