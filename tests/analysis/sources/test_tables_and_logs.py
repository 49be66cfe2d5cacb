"""Tables of every physical kind, and the logs in them: trainer states, wide and long tables, chart exports.

An expert would look for: NaN taken for missing, an empty cell taken for zero, a quoted line end that cuts a row, a
byte-order mark in the first name, a header that a restarted writer repeats, a ragged line that shifts cells, a
number cut at the end of a live file, a delimiter other than a comma, a step that only some rows have, a name with
the separator in it, a row of totals drawn as a point.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import registry
from analysis.records import InputError, RunInfo, Scalars
from analysis.sources import base, tabular
from analysis.sources.base import Head, Job


def source_of(path: Path):
    """The source that is surest of a file, as an ingest chooses it."""
    sniffs = [(s.sniff(Head(path)), s) for s in registry.leaves("source").values()]
    found = [(sniff.confidence, -s.rank, s) for sniff, s in sniffs if sniff is not None]
    return max(found, key=lambda f: f[:2])[2] if found else None


def read(path: Path, **job):
    """(tag, run) -> [(step, value)] and the chunks."""
    series: dict[tuple[str, str], list[tuple[float, float]]] = {}
    chunks = list(source_of(path).read(Job(path, **job)))
    for chunk in chunks:
        for record in chunk.records:
            if isinstance(record, Scalars):
                t = record.table.to_pydict()
                for run, tag, step, value in zip(t["run"], t["tag"], t["step"], t["value"], strict=True):
                    series.setdefault((tag, run), []).append((step, value))
    return series, chunks


def put(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


class TestCsv:
    def test_nan_is_a_value_and_an_empty_cell_is_none(self, tmp_path):
        series, _ = read(put(tmp_path / "m.csv", "step,a,b\n1,nan,\n2,,-inf\n3,1e-3,2\n"))
        assert [s for s, _ in series["a", ""]] == [1, 3]
        assert np.isnan(series["a", ""][0][1])
        assert series["b", ""] == [(2, -np.inf), (3, 2)]

    @pytest.mark.parametrize("delimiter", [",", "\t", ";"])
    def test_delimiters_line_ends_and_byte_order_marks_are_seen_through(self, tmp_path, delimiter):
        text = "\ufeff" + "step,reward\r\n1,0.5\r\n2,0.6\r\n".replace(",", delimiter)
        (tmp_path / "m.csv").write_bytes(text.encode())
        assert read(tmp_path / "m.csv")[0] == {("reward", ""): [(1, 0.5), (2, 0.6)]}

    def test_a_line_end_inside_quotes_is_part_of_its_cell(self, tmp_path, monkeypatch):
        monkeypatch.setattr("analysis.sources.tabular.delimited.BLOCK_BYTES", 16)
        rows = "".join(f'{i},"said ""so""\nand more",{i / 2}\n' for i in range(50))
        series, _ = read(put(tmp_path / "m.csv", "step,comment,reward\n" + rows))
        assert series["reward", ""] == [(i, i / 2) for i in range(50)]

    def test_a_header_that_a_restart_repeats_is_no_row(self, tmp_path):
        series, chunks = read(put(tmp_path / "m.csv", "step,loss\n1,3\n2,2\nstep,loss\n2,2.5\n3,1\n"))
        assert series["loss", ""] == [(1, 3), (2, 2), (2, 2.5), (3, 1)]
        assert "header" in chunks[0].skipped[0].why

    def test_a_ragged_line_is_named_and_shifts_nothing(self, tmp_path):
        series, chunks = read(put(tmp_path / "m.csv", "step,a,b\n1,1,1\n2,2\n3,3,3\n4,4,4,4\n"))
        assert series["b", ""] == [(1, 1), (3, 3)]
        assert [s.where for s in chunks[0].skipped] == ["line 3", "line 5"]

    def test_columns_of_one_name_are_kept_apart(self, tmp_path):
        series, _ = read(put(tmp_path / "m.csv", "step,loss,loss\n1,2,3\n2,4,5\n"))
        assert series["loss.1", ""] == [(1, 3), (2, 5)]

    def test_without_a_header_columns_are_numbered_and_a_counter_is_the_step(self, tmp_path):
        rows = "".join(f"{s},{s / 7:.3f}\n" for s in [*range(10, 60, 10), *range(10, 40, 10)])
        series, chunks = read(put(tmp_path / "m.csv", rows))
        assert [s for s, _ in series["column_2", ""]] == [10, 20, 30, 40, 50, 10, 20, 30]
        assert any("column_1" in note for note in chunks[0].notes)

    def test_the_users_names_win(self, tmp_path):
        path = put(tmp_path / "m.csv", "s,my_score\n10,1\n20,2\n")
        series, _ = read(path, columns={"s": "step", "my_score": "reward"})
        assert series == {("reward", ""): [(10, 1), (20, 2)]}

    @given(
        st.lists(
            st.tuples(st.integers(0, 10**12), st.floats(allow_nan=False, width=64), st.floats(allow_nan=False)),
            min_size=2,
            max_size=40,
        )
    )
    @settings(max_examples=40, deadline=None)
    def test_what_was_written_is_read(self, tmp_path_factory, rows):
        path = tmp_path_factory.mktemp("csv") / "m.csv"
        put(path, "step,a,b\n" + "".join(f"{s},{a!r},{b!r}\n" for s, a, b in rows))
        series, _ = read(path)
        assert series["a", ""] == [(s, a) for s, a, _ in rows]
        assert series["b", ""] == [(s, b) for s, _, b in rows]


class TestJsonLines:
    def test_rows_may_have_different_keys_and_words_for_numbers(self, tmp_path):
        rows = [
            '{"step": 1, "loss": NaN}',
            '{"step": 2, "loss": "Infinity", "eval_loss": 3}',
            '{"step": 3, "loss": null}',
        ]
        series, _ = read(put(tmp_path / "m.jsonl", "\n".join(rows) + "\n"))
        assert np.isnan(series["loss", ""][0][1])
        assert series["loss", ""][1:] == [(2, np.inf)]
        assert series["eval_loss", ""] == [(2, 3)]

    def test_verl_rows_are_flattened_without_their_envelope(self, tmp_path):
        rows = [{"step": i, "data": {"actor/pg_loss": i / 2, "training/global_step": i}} for i in range(3)]
        series, _ = read(put(tmp_path / "m.jsonl", "".join(json.dumps(r) + "\n" for r in rows)))
        assert series["actor/pg_loss", ""] == [(0, 0), (1, 0.5), (2, 1)]

    def test_ms_swift_steps_are_read_from_their_fraction(self, tmp_path):
        rows = [{"loss": 1.5 - i / 10, "global_step/max_steps": f"{5 * i}/100"} for i in range(1, 4)]
        series, _ = read(put(tmp_path / "logging.jsonl", "".join(json.dumps(r) + "\n" for r in rows)))
        assert [s for s, _ in series["loss", ""]] == [5, 10, 15]

    def test_wandb_histograms_become_histograms(self, tmp_path):
        bins = {"_type": "histogram", "bins": [0, 1, 2], "values": [3, 4]}
        rows = [{"step": i, "loss": 0.1, "scores_hist": bins} for i in range(2)]
        _, chunks = read(put(tmp_path / "m.jsonl", "".join(json.dumps(r) + "\n" for r in rows)))
        tables = [r.table.to_pydict() for c in chunks for r in c.records if type(r).__name__ == "Histograms"]
        assert tables[0]["edges"] == [[0, 1, 2]] * 2
        assert tables[0]["counts"] == [[3, 4]] * 2

    def test_a_gzipped_log_is_read_as_it_is(self, tmp_path):
        with gzip.open(tmp_path / "m.jsonl.gz", "wt") as file:
            file.write('{"step": 1, "loss": 2}\n{"step": 2, "loss": 1}\n')
        assert read(tmp_path / "m.jsonl.gz")[0]["loss", ""] == [(1, 2), (2, 1)]

    def test_two_reads_of_a_growing_file_are_one_read_of_the_whole(self, tmp_path):
        text = "".join(json.dumps({"step": i, "loss": i / 3}) + "\n" for i in range(20))
        whole = read(put(tmp_path / "whole.jsonl", text))[0]
        for cut in range(30, len(text), 13):
            path = put(tmp_path / "m.jsonl", text[:cut])
            first, chunks = read(path, final=False)
            put(path, text)
            second, _ = read(path, position=chunks[-1].position, final=False)
            joined = first.get(("loss", ""), []) + second.get(("loss", ""), [])
            assert joined == whole["loss", ""]

    def test_rows_without_the_trainers_step_fall_on_the_last_one(self, tmp_path):
        text = "_step,train/global_step,train/loss,profiling/time\n0,,,0.1\n1,5,2.5,\n2,,,0.2\n3,6,2.4,\n4,,,0.3\n"
        series, _ = read(put(tmp_path / "m.csv", text))
        assert series["profiling/time", ""] == [(0, 0.1), (5, 0.2), (6, 0.3)]
        assert series["train/loss", ""] == [(5, 2.5), (6, 2.4)]


class TestJsonLists:
    def test_a_long_list_is_streamed(self, tmp_path, monkeypatch):
        monkeypatch.setattr(base, "CHUNK_VALUES", 1000)
        rows = [{"step": i, "p": i / 7, "text": "x" * 50} for i in range(30_000)]
        path = tmp_path / "rows.json"
        path.write_text(json.dumps(rows))
        parts = list(tabular.parts(Job(path)))
        assert sum(p.num_rows for p in parts) == 30_000
        assert len(parts) > 50
        assert [p.first_row for p in parts[:2]] == [0, parts[0].num_rows]

    def test_an_object_with_one_list_of_rows_is_a_table_with_a_configuration(self, tmp_path):
        document = {"args": {"lr": 1e-5}, "history": [{"epoch": 0, "acc": 0.7}, {"epoch": 1, "acc": 0.8}]}
        series, chunks = read(put(tmp_path / "metrics.json", json.dumps(document)))
        assert series["acc", ""] == [(0, 0.7), (1, 0.8)]
        (info,) = [r for c in chunks for r in c.records if isinstance(r, RunInfo)]
        assert info.config == {"args": {"lr": 1e-5}}


class TestTrainerState:
    ROWS = ({"step": 1, "loss": 0.5, "epoch": 0.1}, {"step": 1, "eval_loss": 0.6, "epoch": 0.1},
            {"step": 2, "loss": float("nan"), "epoch": 0.2},
            {"step": 2, "train_loss": 0.4, "train_runtime": 3.0, "epoch": 0.2})  # fmt: skip

    def test_rows_of_all_kinds_and_the_totals_apart(self, tmp_path):
        path = put(tmp_path / "trainer_state.json", json.dumps({"global_step": 2, "log_history": self.ROWS}))
        series, chunks = read(path)
        assert series["loss", ""][0] == (1, 0.5)
        assert np.isnan(series["loss", ""][1][1])
        assert series["eval_loss", ""] == [(1, 0.6)]
        assert ("train_loss", "") not in series
        (info,) = [r for c in chunks for r in c.records if isinstance(r, RunInfo)]
        assert info.config["summary"]["train_loss"] == 0.4
        assert chunks[0].rows == 4

    def test_a_bare_history_is_the_same_log(self, tmp_path):
        bare = read(put(tmp_path / "log_history.json", json.dumps(self.ROWS)))[0]
        state = read(put(tmp_path / "trainer_state.json", json.dumps({"global_step": 2, "log_history": self.ROWS})))[0]
        assert str(bare) == str(state)

    def test_one_that_is_being_written_is_left_for_later(self, tmp_path):
        whole = json.dumps({"global_step": 2, "log_history": self.ROWS})
        path = put(tmp_path / "trainer_state.json", whole[:-20])
        with pytest.raises(InputError, match="not complete"):
            list(registry.leaves("source")["trainer_state"].read(Job(path)))


class TestLongTables:
    def test_names_and_runs_are_columns(self, tmp_path):
        text = "run,metric,step,value\na,loss,1,0.5\nb,loss,1,0.6\na,kl,1,nan\na,loss,2,0.4\nb,kl,1,\n"
        series, _ = read(put(tmp_path / "long.csv", text))
        assert series["loss", "a"] == [(1, 0.5), (2, 0.4)]
        assert series["loss", "b"] == [(1, 0.6)]
        assert np.isnan(series["kl", "a"][0][1])
        assert ("kl", "b") not in series

    def test_parquet_goes_on_where_it_was(self, tmp_path):
        table = pa.table(
            {"metric": ["a", "b"] * 50, "step": [i // 2 for i in range(100)], "value": [i / 4 for i in range(100)]}
        )
        pq.write_table(table, tmp_path / "long.parquet", row_group_size=30)
        series, chunks = read(tmp_path / "long.parquet")
        assert len(series["a", ""]) == 50
        assert read(tmp_path / "long.parquet", position=chunks[-1].position)[0] == {}

    def test_parquet_without_its_end_is_not_finished(self, tmp_path):
        pq.write_table(pa.table({"step": [1], "value": [2.0]}), tmp_path / "a.parquet")
        data = (tmp_path / "a.parquet").read_bytes()
        (tmp_path / "b.parquet").write_bytes(data[:-8])
        with pytest.raises(InputError, match="not finished"):
            list(tabular.parts(Job(tmp_path / "b.parquet", {"format": "parquet", "row": 0})))


class TestChartExports:
    def test_wandb_columns_are_split_at_the_last_separator(self, tmp_path):
        text = '"Step","a - b - train/kl","a - b - train/kl__MIN","a - b - train/kl__MAX","c - train/kl"\n"10","0.1","0.1","0.1",""\n"20","0.2","0.2","0.2","0.3"\n'
        series, _ = read(put(tmp_path / "wandb_export.csv", text))
        assert series == {("train/kl", "a - b"): [(10, 0.1), (20, 0.2)], ("train/kl", "c"): [(20, 0.3)]}

    def test_tensorboard_names_the_tag_in_the_file(self, tmp_path):
        path = put(tmp_path / "run-ppo-tag-loss.csv", "Wall time,Step,Value\n1700000000.5,1,0.5\n1700000001.5,2,0.25\n")
        assert read(path)[0] == {("loss", ""): [(1, 0.5), (2, 0.25)]}


class TestUnread:
    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("run-a.wandb", b":W&B\xe1\xbe\x00" + bytes(100)),
            ("mlflow.db", b"SQLite format 3\x00" + bytes(100)),
            ("train.log", b"step:1 - actor/pg_loss:0.1 - critic/score/mean:0.3\n" * 5),
            ("out.txt", b"{'loss': '0.5', 'grad_norm': '1.2', 'epoch': '0.1'}\n" * 5),
        ],
    )
    def test_known_formats_that_are_not_read_yet_are_named(self, tmp_path, name, data):
        (tmp_path / name).write_bytes(data)
        source = source_of(tmp_path / name)
        assert source.name == "unread"
        with pytest.raises(InputError, match="not read by this version"):
            list(source.read(Job(tmp_path / name)))

    @pytest.mark.parametrize("text", ["Once upon a time there was a model.\n" * 20, "# Notes\n\nloss went down\n"])
    def test_prose_is_no_log(self, tmp_path, text):
        assert source_of(put(tmp_path / "notes.txt", text)) is None


@given(
    st.binary(max_size=3000),
    st.sampled_from(["a.csv", "a.json", "a.jsonl", "a.parquet", "a.npy", "events.out.tfevents.1", "a.log", "x"]),
)
@settings(max_examples=150, deadline=None)
def test_no_source_trips_over_any_bytes(tmp_path_factory, data, name):
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(data)
    for source in registry.leaves("source").values():
        if source.sniff(Head(path)) is None:
            continue
        said = ""
        try:
            list(source.read(Job(path)))
        except InputError as error:
            said = str(error)
        assert "\n" not in said
