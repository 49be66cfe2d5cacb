"""Scored production traffic."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.records import Rollouts, Stream
from tests.analysis.sources.score_files import (
    chosen_source,
    read,
    survives_any_cut,
    two_reads,
    write_csv,
    write_jsonl,
)

START = pd.Timestamp("2026-03-05 00:01:21")
SECONDS = START.tz_localize("UTC").timestamp()
ROWS = [
    {"timestamp": str(START + pd.Timedelta(hours=h)), "prompt_id": f"q{h}", "category": "chat", "response_length": 10 + h,
     "score": h / 2, "model_version": "rm-1.0", "policy_version": "policy-1", "human_score": 1.5 if h == 2 else ""}
    for h in (0, 1, 2, 1.5)
]  # fmt: skip


def test_a_stream_in_csv(tmp_path):
    path = write_csv(tmp_path / "a.csv", ROWS)
    assert chosen_source(path) == ("stream", "stream")
    result = read(path)
    assert "Rollouts" not in result.batches
    rows = result.rows_of(Stream)
    assert [r["time"] - SECONDS for r in rows] == [0, 3600, 7200, 5400]  # not monotone is fine
    assert [r["score"] for r in rows] == [0.0, 0.5, 1.0, 0.75]
    assert [r["gold_score"] for r in rows] == [None, None, 1.5, None]
    assert rows[0]["prompt_id"] == "q0"
    assert rows[0]["length"] == 10.0
    assert (rows[0]["model_version"], rows[0]["policy_version"], rows[0]["category"]) == ("rm-1.0", "policy-1", "chat")
    assert rows[0]["features"] is None
    assert result.rows == 4


@pytest.mark.parametrize("factor", [1, 1e3, 1e6, 1e9])
def test_unix_times_of_any_unit(tmp_path, factor):
    rows = [{"ts": int((SECONDS + i) * factor), "category": "x", "reward": 1.0} for i in range(3)]
    times = read(write_jsonl(tmp_path / "a.jsonl", rows), "stream").table(Stream)["time"].to_pylist()
    assert np.allclose(times, [SECONDS, SECONDS + 1, SECONDS + 2])


@pytest.mark.parametrize("text", ["2026-03-05T00:01:21Z", "2026-03-05 00:01:21", "2026-03-05T00:01:21.000000+00:00",
                                  "2026-03-05T02:01:21+02:00"])  # fmt: skip
def test_iso_times_are_utc(tmp_path, text):
    rows = [{"time": text, "category": "x", "score": 1.0}] * 3
    assert read(write_csv(tmp_path / "a.csv", rows), "stream").table(Stream)["time"].to_pylist() == [SECONDS] * 3


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_parquet_timestamps(tmp_path, unit, zone):
    moments = pa.array([START.tz_localize("UTC").to_pydatetime()] * 2).cast(pa.timestamp(unit, "UTC"))
    times = moments.cast(pa.timestamp(unit, zone)) if zone else moments.cast(pa.timestamp(unit))
    pq.write_table(pa.table({"timestamp": times, "score": [1.0, 2.0], "category": ["a", "b"]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").table(Stream)["time"].to_pylist() == [SECONDS] * 2


def test_a_row_without_a_time_is_named(tmp_path):
    rows = [
        r | ({"timestamp": ""} if i == 1 else {"timestamp": "yesterday"} if i == 3 else {}) for i, r in enumerate(ROWS)
    ]
    result = read(write_csv(tmp_path / "a.csv", rows), "stream")
    assert [r["row"] for r in result.rows_of(Stream)] == [0, 2]
    assert [s.where for s in result.skipped] == ["row 1", "row 3"]


def test_a_time_and_a_score_are_enough(tmp_path):
    path = write_csv(tmp_path / "a.csv", [{"timestamp": r["timestamp"], "score": r["score"]} for r in ROWS])
    assert chosen_source(path)[0] == "stream"


@pytest.mark.parametrize("more", [{"step": 1}, {"loss": 0.5}, {"epoch": 1, "learning_rate": 1e-5}])
def test_logs_with_a_clock_are_no_streams(tmp_path, more):
    path = write_csv(tmp_path / "a.csv", [{"timestamp": r["timestamp"], "reward": r["score"]} | more for r in ROWS])
    assert chosen_source(path)[0] != "stream"


def test_rollouts_with_a_clock_keep_it(tmp_path):
    rows = [{"step": i, "time": r["timestamp"], "prompt_id": "p", "score": 1.0} for i, r in enumerate(ROWS)]
    path = write_csv(tmp_path / "a.csv", rows)
    assert chosen_source(path)[0] == "rollouts"
    assert read(path).table(Rollouts)["time"].to_pylist()[0] == SECONDS


def test_any_cut(tmp_path):
    survives_any_cut(write_csv(tmp_path / "a.csv", ROWS[:3]), "stream", tmp_path)
    pq.write_table(pa.table({"timestamp": [1.7e9, 1.8e9], "score": [1.0, 2.0]}), tmp_path / "a.parquet")
    survives_any_cut(tmp_path / "a.parquet", "stream", tmp_path, every=7)


@pytest.mark.parametrize("at", [2, 3])
def test_a_stream_that_grows(tmp_path, at):
    path = write_csv(tmp_path / "a.csv", ROWS)
    whole = read(path).rows_of(Stream)
    assert two_reads(path, path.read_bytes().splitlines(keepends=True), "stream", Stream, at) == whole


def test_a_million_rows_come_in_bounded_parts(tmp_path):
    n = 1_000_000
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "timestamp": pa.array(np.arange(n, dtype=np.int64) * 1_000_000 + 1_770_000_000_000_000).cast(
                pa.timestamp("us")
            ),
            "prompt_id": pa.array([f"q{i % 5000}" for i in range(n)]),
            "category": pa.array(["chat", "qa"] * (n // 2)),
            "response_length": rng.integers(1, 500, n),
            "score": rng.normal(size=n),
            "model_version": pa.array(["rm-1"] * n),
        }
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    result = read(path)
    assert result.rows == n
    assert all(len(r) <= 500_000 for c in result.chunks for r in c.records)


def test_labelled_streams(labelled_runs):
    rows = {"stream-4299": 25337, "stream-7935": 23767, "stream-ccfa": 22889, "stream-df71": 21351}
    for name in [*rows, "stream-5e69"]:
        path = next((labelled_runs / name).glob("stream.*"))
        assert chosen_source(path) == ("stream", "stream")
        result = read(path)
        assert result.rows == result.table(Stream).num_rows == rows.get(name, result.rows)
        assert result.skipped == []
        day = pd.read_csv(labelled_runs / name / "gold_daily.csv")
        frame = result.table(Stream).select(["time", "score", "length"]).to_pandas()
        mine = frame.groupby(frame["time"] // 86400)
        assert mine.size().tolist() == day["n"].tolist()
        assert np.allclose(mine["score"].mean(), day["score_mean"], atol=2e-4)
        assert np.allclose(mine["length"].mean(), day["length_mean"], atol=1e-2)
        assert chosen_source(labelled_runs / name / "gold_daily.csv")[0] != "stream"
