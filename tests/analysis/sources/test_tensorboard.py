"""Event files: equal to TensorBoard's own reader on real files and on what other writers make; damage stays local."""

from __future__ import annotations

import gzip
import json
import math
import random
import struct
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import registry
from analysis.eventfile import blocks as blocks_module
from analysis.eventfile import scalars
from analysis.eventfile.checksums import HEADER
from analysis.records import Chunk, Histograms, InputError, RunInfo, Scalars, Skipped
from analysis.sources.base import Head, Job
from tests.conftest import SHARED

pytest.importorskip("tensorboard", reason="needs TensorBoard to write event files and to compare with")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader, RawEventFileLoader
    from tensorboard.compat.proto import event_pb2, histogram_pb2, summary_pb2, tensor_pb2
    from tensorboard.summary.writer.record_writer import RecordWriter
    from tensorboard.util import tensor_util

REAL = sorted(SHARED.rglob("*tfevents*")) if SHARED.exists() else []


@dataclass
class Got:
    """All that a source told of a file."""

    chunks: list[Chunk] = field(default_factory=list)
    series: dict[str, list[tuple[float, float, float]]] = field(default_factory=lambda: defaultdict(list))
    rows: list[tuple[str, float, float | None, float]] = field(default_factory=list)
    histograms: list[dict[str, Any]] = field(default_factory=list)
    infos: list[RunInfo] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    count: int = 0
    position: Any = None


def source() -> Any:
    return registry.leaves("source")["tensorboard"]


def read(path: Path, position: Any = None, **job: Any) -> Got:
    got = Got(position=position)
    for chunk in source().read(Job(path, position, **job)):
        got.chunks.append(chunk)
        got.count += chunk.rows
        got.position = json.loads(json.dumps(chunk.position))
        got.skipped += chunk.skipped
        got.notes += chunk.notes
        for record in chunk.records:
            if isinstance(record, Scalars):
                t = record.table.to_pydict()
                got.rows += list(zip(t["tag"], t["step"], t["wall_time"], t["value"], strict=True))
            elif isinstance(record, Histograms):
                got.histograms += record.table.to_pylist()
            else:
                assert isinstance(record, RunInfo)
                got.infos.append(record)
    for tag, step, time, value in got.rows:
        got.series[tag].append((step, time, value))
    return got


def loaded(path: Path) -> tuple[int, dict[str, list[tuple[float, float, float]]]]:
    """Number of events and scalars as TensorBoard reads them."""
    count, series = 0, defaultdict(list)
    for event in EventFileLoader(str(path)).Load():
        count += 1
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "scalars":
                number = float(tensor_util.make_ndarray(value.tensor))
                series[value.tag].append((float(event.step), event.wall_time, number))
    return count, series


def same(ours: Any, theirs: Any) -> bool:
    """Equal bit by bit, NaN included."""
    if ours.keys() != theirs.keys():
        return False
    return all(np.array_equal(np.array(ours[k]), np.array(theirs[k]), equal_nan=True) for k in theirs)


def event(step: int = 0, time: float = 1.75e9, **fields: Any) -> bytes:
    return event_pb2.Event(wall_time=time, step=step, **fields).SerializeToString()


def scalar(tag: str, value: float, step: int, time: float = 1.75e9) -> bytes:
    value = summary_pb2.Summary.Value(tag=tag, simple_value=value)
    return event(step, time, summary=summary_pb2.Summary(value=[value]))


def write(path: Path, *payloads: bytes) -> Path:
    """An event file made by TensorBoard's own record writer."""
    with path.open("wb") as file:
        writer = RecordWriter(file)
        for payload in payloads:
            writer.write(payload)
        writer.flush()
    return path


VERSION = event(file_version="brain.Event:2")


def small(path: Path, n: int = 12) -> Path:
    return write(path, VERSION, *(scalar(f"train/m{i % 3}", i / 7, i // 3) for i in range(n)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.out.tfevents.1.host"


def summary_writer(folder: Path, **options: Any) -> Any:
    pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter(str(folder), **options)


def only(folder: Path) -> Path:
    (found,) = folder.glob("*tfevents*")
    return found


# -- real files


@pytest.mark.skipif(not REAL, reason="needs the real logs, which are not part of the project")
def test_every_scalar_of_every_real_file_is_what_tensorboard_reads():
    total = 0
    for file in REAL:
        ours, (count, theirs) = read(file), loaded(file)
        assert ours.count == count
        assert same(ours.series, theirs), file
        assert ours.skipped == []
        assert source().sniff(Head(file)).confidence > 0.9
        total += len(ours.rows)
    assert total > 50_000


def test_the_open_instruct_files_have_the_records_their_source_page_states(real_runs):
    folder = real_runs / "open_instruct_ppo_tensorboard"
    counts = {"run_1735599112": 11451, "run_1735688902": 1201, "run_1735598880_empty": 1}
    for name, count in counts.items():
        got = read(only(folder / name))
        assert got.count == count, "one row is one event record"
        assert len(got.rows) == count - 1, "all but the version record are scalars"


def test_the_arguments_of_labelled_runs_are_told(labelled_runs):
    for file in sorted(labelled_runs.glob("*/tb/*.0")):
        got = read(file)
        texts = {}
        for raw in RawEventFileLoader(str(file)).Load():
            for value in event_pb2.Event.FromString(raw).summary.value:
                if value.HasField("tensor"):
                    texts[value.tag] = json.loads(value.tensor.string_val[0])
        (info,) = got.infos
        assert info.config == {**texts["args/text_summary"], "model_config": texts["model_config/text_summary"]}
        assert info.seed == texts["args/text_summary"]["seed"]
        assert info.loss == "", "loss_type names the policy's loss"


# -- what writers make


def test_torch_scalars_of_both_styles(tmp_path):
    writer = summary_writer(tmp_path)
    values = [0.1, math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45, 3.4e38]
    for step, value in enumerate(values):
        writer.add_scalar("plain", value, step)
        writer.add_scalar("tensor", value, step, new_style=True)
        writer.add_scalar("double", value, step, new_style=True, double_precision=True)
        writer.add_scalar("später/学習", value, step)
        writer.add_scalar("t" * 300, value, step)
        writer.add_scalar("t" * 3000, value, step)
    writer.close()
    got = read(only(tmp_path))
    assert same(got.series, loaded(only(tmp_path))[1])
    assert got.series["plain"][0][2] == float(np.float32(0.1)) == 0.10000000149011612
    assert got.series["double"][0][2] == 0.1
    assert [tag for tag, *_ in got.rows[:3]] == ["plain", "tensor", "double"], "in the order of the file"
    assert [row[1] for row in got.rows] == [float(s) for s in range(len(values)) for _ in range(6)]


def test_torch_add_scalars_makes_one_file_a_series(tmp_path):
    writer = summary_writer(tmp_path)
    writer.add_scalars("loss", {"train": 1.0, "eval": 2.0}, 3)
    writer.close()
    assert [v for _, _, v in read(only(tmp_path / "loss_train")).series["loss"]] == [1.0]
    assert [v for _, _, v in read(only(tmp_path / "loss_eval")).series["loss"]] == [2.0]


def test_torch_histograms_as_tensorboard_shows_them(tmp_path):
    rng = np.random.default_rng(0)
    writer = summary_writer(tmp_path)
    samples = [rng.normal(size=500), np.array([2.5]), np.array([-1.0, 1.0]), np.zeros(9), rng.integers(0, 9, 99) * 1.0]
    for step, data in enumerate(samples):
        for bins in ("tensorflow", "auto"):
            writer.add_histogram(f"scores/{bins}", data, step, bins=bins)
    writer.close()
    theirs = [
        tensor_util.make_ndarray(v.tensor) for e in EventFileLoader(str(only(tmp_path))).Load() for v in e.summary.value
    ]
    got = read(only(tmp_path))
    assert len(got.histograms) == len(theirs) == 10
    assert got.skipped == []
    for mine, their, data in zip(got.histograms, theirs, np.repeat(np.arange(5), 2), strict=True):
        assert len(mine["edges"]) == len(mine["counts"]) + 1
        np.testing.assert_allclose(mine["edges"], [their[0, 0], *their[:, 1]], rtol=1e-6)
        np.testing.assert_allclose(mine["counts"], their[:, 2])
        assert sum(mine["counts"]) == len(samples[data])
        assert (mine["edges"][0], mine["edges"][-1]) == (samples[data].min(), samples[data].max())
        assert np.all(np.diff(mine["edges"]) >= 0)
        assert mine["step"] == data


def test_tensorflow_outermost_limits_are_no_edges(path):
    largest = 1.7976931348623157e308
    histo = histogram_pb2.HistogramProto(
        min=-3, max=4, num=7, bucket_limit=[-largest, -2, 0, 2, largest], bucket=[0, 2, 0, 3, 2]
    )
    write(path, VERSION, event(5, summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="h", histo=histo)])))
    (got,) = read(path).histograms
    assert (got["edges"], got["counts"]) == ([-3, -2, 0, 2, 4], [2, 0, 3, 2])


@pytest.mark.parametrize(
    ("told", "edges"),
    [
        ({}, [-2, -2, -1, 0]),
        ({"min": math.nan, "max": math.nan}, [-2, -2, -1, -1]),
        ({"min": 5, "max": -9}, [-2, -2, -1, -1]),
        ({"min": -3, "max": -0.5}, [-3, -2, -1, -0.5]),
    ],
)
def test_edges_never_go_backwards(path, told, edges):
    histo = histogram_pb2.HistogramProto(bucket_limit=[-2, -1, 7], bucket=[1, 1, 1], **told)
    got = read(
        write(path, event(1, summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="h", histo=histo)])))
    )
    assert got.histograms[0]["edges"] == edges


def tensor_event(tag: str, data: Any, plugin: str, step: int, dtype: Any = None) -> bytes:
    value = summary_pb2.Summary.Value(tag=tag, tensor=tensor_util.make_tensor_proto(data, dtype=dtype))
    value.metadata.plugin_data.plugin_name = plugin
    return event(step, summary=summary_pb2.Summary(value=[value]))


def test_tf2_tensors(path):
    bars = np.array([[0, 1, 5], [1, 2.5, 0], [2.5, 3, 1.0]])
    names = ["float32", "float64", "float16", "int32", "int64", "uint8", "int8", "int16", "uint16", "bool"]
    write(
        path,
        VERSION,
        *(tensor_event(name, np.array(1.5 if "float" in name else 1, name), "scalars", 1) for name in names),
        tensor_event("one", np.array([7.25], np.float32), "scalars", 2),
        tensor_event("h", bars, "histograms", 3),
        tensor_event("h", bars, "", 4),
        tensor_event("later", np.float32(2.5), "", 4),
        tensor_event("none", np.zeros((0, 3)), "histograms", 5),
        tensor_event("wide", np.zeros(4, np.float32), "scalars", 6),
    )
    got = read(path)
    assert {k: v[0][2] for k, v in got.series.items()} == {n: 1.5 if "float" in n else 1.0 for n in names} | {
        "one": 7.25,
        "later": 2.5,
    }
    assert [(h["step"], h["edges"], h["counts"]) for h in got.histograms] == [
        (3.0, [0, 1, 2.5, 3], [5, 0, 1]),
        (4.0, [0, 1, 2.5, 3], [5, 0, 1]),
    ]
    assert sum(s.count for s in got.skipped) == 2
    assert got.count == 17


def test_half_precision_and_content(path):
    def value(tag, **tensor):
        v = summary_pb2.Summary.Value(tag=tag, tensor=tensor_pb2.TensorProto(**tensor))
        v.metadata.plugin_data.plugin_name = "scalars"
        return event(1, summary=summary_pb2.Summary(value=[v]))

    write(
        path,
        value("half", dtype=19, half_val=[0x3E00]),
        value("bfloat", dtype=14, half_val=[0x3FC0]),
        value("bfloat bytes", dtype=14, tensor_content=b"\xc0\x3f"),
        value("float bytes", dtype=1, tensor_content=struct.pack("<f", 1.5)),
        value("double bytes", dtype=2, tensor_content=struct.pack("<d", 1.5)),
        value("short", dtype=2, tensor_content=b"\0\0\0\0"),
        value("text", dtype=7, string_val=[b"1.5"]),
        value("float in double", dtype=1, double_val=[1.5]),
    )
    got = read(path)
    names = ["half", "bfloat", "bfloat bytes", "float bytes", "double bytes"]
    assert {k: v[0][2] for k, v in got.series.items()} == dict.fromkeys(names, 1.5)
    assert [s.count for s in got.skipped] == [3]


def test_texts_and_hyper_parameters(tmp_path):
    table = "|param|value|\n|-|-|\n|seed|7|\n|lr|3e-07|\n|mix|{'a': 1.0 | 2}|\n|push|True|\n|name|a b|\n|none|None|\n|empty||"
    writer = summary_writer(tmp_path)
    writer.add_text("hyperparameters", table)
    writer.add_text("model_config", '{"hidden": 64, "nan": NaN}')
    writer.add_text("config", '```json\n{"trl_version": "0.21.0"}\n```')
    writer.add_text("samples", "hello", 3)
    writer.add_text("samples", '{"beta": 1}', 4)
    writer.close()
    got = read(only(tmp_path))
    (info,) = got.infos
    nan = info.config["model_config"].pop("nan")
    assert math.isnan(nan)
    assert info.config == {
        "seed": 7, "lr": 3e-07, "mix": "{'a': 1.0 | 2}", "push": True, "name": "a b", "none": None, "empty": "",
        "model_config": {"hidden": 64}, "trl_version": "0.21.0",
    }  # fmt: skip
    assert (info.seed, info.framework, info.version) == (7, "trl", "0.21.0")
    assert got.skipped == [Skipped("text events", "not read", 2)]


@pytest.mark.parametrize("text", ["", "free words", "[1, 2]", "[" * 100_000, "|", "|a|", "null", "||\n||"])
def test_arguments_that_are_no_object_are_kept_as_they_are(tmp_path, text):
    writer = summary_writer(tmp_path)
    writer.add_text("args", text)
    writer.add_scalar("x", 1.0, 1)
    writer.close()
    got = read(only(tmp_path))
    assert len(got.rows) == 1
    assert all(list(i.config) in (["args"], ["a"]) for i in got.infos)


def test_hparams_of_the_plugin(tmp_path):
    writer = summary_writer(tmp_path)
    hparams = {"lr": 1e-4, "batch": 8, "loss": "bt", "bf16": True, "seed": 3}
    writer.add_hparams(hparams, {"final/accuracy": 0.7}, run_name=".")
    writer.close()
    got = [read(f) for f in tmp_path.rglob("*tfevents*")]
    (info,) = [i for g in got for i in g.infos]
    assert info.config == hparams
    assert info.seed == 3
    assert [tag for g in got for tag in g.series] == ["final/accuracy"]
    assert not any(g.skipped for g in got)


def test_other_kinds_are_counted_once(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks_module, "BLOCK_BYTES", 4096)
    writer = summary_writer(tmp_path)
    for step in range(5):
        writer.add_image("i", np.zeros((3, 40, 40), np.uint8), step)
        writer.add_scalar("x", 1.0, step)
        writer.add_pr_curve("pr", np.array([0, 1, 1]), np.array([0.1, 0.5, 0.9]), step)
    for step in range(200):
        writer.add_scalar("x", 1.0, step)
    writer.close()
    got = read(only(tmp_path))
    assert len(got.chunks) > 2
    assert got.skipped == [Skipped("image events", "not read", 5), Skipped("pr_curves events", "not read", 5)]
    # a kill behind any chunk loses none of the counts
    for chunk in got.chunks[:-1]:
        assert read(only(tmp_path), chunk.position).skipped == got.skipped


def test_a_restart_is_noted_and_all_rows_are_kept(tmp_path):
    for purge in (None, 20):
        writer = summary_writer(tmp_path, purge_step=purge)
        for step in range(0 if purge is None else 20, 40, 10):
            writer.add_scalar("x", float(step), step)
        writer.close()
    first, second = sorted(tmp_path.glob("*tfevents*"), key=lambda f: (f.stat().st_mtime_ns, f.name))
    assert (read(first).notes, len(read(first).rows)) == ([], 4)
    assert (read(second).notes, len(read(second).rows)) == (["restarted at step 20"], 2)


def test_several_values_in_one_event_keep_their_order(path):
    def many(step):
        values = [summary_pb2.Summary.Value(tag=t, simple_value=step) for t in ("a", "b", "a")]
        return event(step, summary=summary_pb2.Summary(value=values))

    write(path, VERSION, scalar("a", 0, 0), many(1), scalar("b", 2, 2), many(3))
    got = read(path)
    assert [(t, s) for t, s, *_ in got.rows] == [
        ("a", 0),
        ("a", 1),
        ("b", 1),
        ("a", 1),
        ("b", 2),
        ("a", 3),
        ("b", 3),
        ("a", 3),
    ]
    assert got.count == 5


STEPS = [0, 1, 127, 128, 16383, 16384, 2**21, 2**32, 2**40, -1, -(2**40), -(2**63), 2**53]


def test_steps_of_every_width_and_wall_times_that_jump(path):
    times = [0.0, 1.75e9, 1.0, 4e9, -5.0]
    payloads = [scalar("x", i, s, times[i % 5]) for i, s in enumerate(STEPS * 3)]
    got = read(write(path, VERSION, *payloads))
    assert [row[1] for row in got.rows] == [float(s) for s in STEPS * 3]
    # a wall time of 0 is not written, so it reads as not logged
    assert [row[2] for row in got.rows] == [times[i % 5] or None for i in range(len(payloads))]
    assert same({"x": [(r[1], r[3]) for r in got.rows]}, {"x": [(s, v) for s, _, v in loaded(path)[1]["x"]]})


def test_a_wall_time_that_is_no_time_is_missing(path):
    got = read(write(path, scalar("x", 1, 1, math.nan), scalar("x", 1, 2, math.inf), scalar("y", 1, 3)))
    assert [row[2] for row in got.rows] == [None, None, 1.75e9]


def test_own_names_of_the_user_are_applied(path):
    bars = tensor_event("h", np.array([[0, 1, 5.0]]), "histograms", 1)
    got = read(write(path, VERSION, scalar("x", 1, 1), bars), columns={"x": "kl", "h": "score_hist"})
    assert list(got.series) == ["kl"]
    assert got.histograms[0]["tag"] == "score_hist"


# -- the two decoders agree


def encoded(tag: bytes, value: float, step: int | None, order: str) -> bytes:
    """One event with its fields in any order, as no writer known makes it but the format allows it."""

    def field_(key: int, content: bytes) -> bytes:
        return bytes([key]) + (varint(len(content)) if key & 7 == 2 else b"") + content

    named = {"t": field_(0x0A, tag), "v": field_(0x15, struct.pack("<f", value))}
    inner = b"".join(named[c] for c in order if c in "tv")
    outer = {"w": field_(0x09, struct.pack("<d", 1.75e9)), "s": field_(0x2A, field_(0x0A, inner))}
    outer["p"] = b"" if step is None else b"\x10" + varint(step)
    return b"".join(outer[c] for c in order if c in "wsp")


def varint(n: int) -> bytes:
    n &= 2**64 - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes([*out, n])


rows = st.tuples(
    st.sampled_from(["a", "b", "lös", "train/x", "t" * 130, ""]),
    st.floats(width=32),
    st.one_of(st.none(), st.sampled_from(STEPS), st.integers(-(2**50), 2**50)),
    st.permutations("tvwsp").map("".join),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, max_size=40))
def test_columns_read_what_a_protobuf_parser_reads(events):
    payloads = [encoded(tag.encode(), value, step, order) for tag, value, step, order in events]
    block, starts = b"".join(payloads), np.cumsum([0, *(len(p) for p in payloads)])[:-1]
    got = scalars.decode(block, starts, np.array([len(p) for p in payloads], np.int64))
    assert sorted([*got.index.tolist(), *got.rest.tolist()]) == list(range(len(payloads)))
    for k, i in enumerate(got.index):
        theirs = event_pb2.Event.FromString(payloads[i])
        (value,) = theirs.summary.value
        assert (got.tags[got.tag[k]], got.step[k], got.wall_time[k]) == (value.tag, theirs.step, theirs.wall_time)
        np.testing.assert_equal(got.value[k], value.simple_value)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_changed_byte_with_a_right_checksum_is_read_as_a_parser_reads_it(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("x") / "events.out.tfevents.1"
    payloads = [scalar("train/a", i / 3, i + 200) for i in range(6)]
    which, at = data.draw(st.integers(0, 5)), data.draw(st.integers(0, len(payloads[0]) - 1))
    changed = bytearray(payloads[which])
    changed[at] = data.draw(st.integers(0, 255))
    payloads[which] = bytes(changed)
    got = read(write(path, VERSION, *payloads))
    expected, strict = [], True
    for payload in payloads:
        try:
            theirs = event_pb2.Event.FromString(payload)
        except DecodeError:  # a name that is no UTF-8, or a broken field that we do not look into
            strict = False
            continue
        numbers = [v for v in theirs.summary.value if v.HasField("simple_value")]
        expected += [(v.tag, float(theirs.step), v.simple_value) for v in numbers]
    mine = [(t, s, v) for t, s, _, v in got.rows]
    np.testing.assert_equal(mine if strict else [m for m in mine if m in expected], expected)


# -- growing, truncated, damaged files


def test_an_empty_file_gives_no_rows(path):
    path.write_bytes(b"")
    assert source().sniff(Head(path)).role == "log"
    assert (read(path).count, read(path).chunks) == (0, [])


def test_truncation_at_every_byte_and_growth_afterwards(path, tmp_path):
    whole = small(path, 6).read_bytes()
    once = read(path)
    cut = tmp_path / "events.out.tfevents.2"
    for size in range(len(whole)):
        for final in (True, False):
            cut.write_bytes(whole[:size])
            first = read(cut, final=final)
            assert first.skipped == []
            assert source().sniff(Head(cut)).role == "log"
            cut.write_bytes(whole)
            second = read(cut, first.position, final=final)
            assert first.rows + second.rows == once.rows
            assert (first.count + second.count, second.skipped) == (once.count, [])
            assert second.position == once.position or second.position is None


@pytest.mark.parametrize("reserved", [3, 12, 500, 40_000])
def test_space_that_is_reserved_but_not_written_is_waited_for(path, reserved, monkeypatch):
    monkeypatch.setattr(blocks_module, "BLOCK_BYTES", 4096)
    whole = small(path).read_bytes()
    once = read(path)
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size] + bytes(reserved))
        first = read(path)
        assert not any("length" in s.why for s in first.skipped), size
        path.write_bytes(whole)
        second = read(path, first.position)
        assert first.rows + second.rows == once.rows[: len(first.rows)] + second.rows
        if reserved <= 500:  # within one block nothing is lost
            assert first.rows + second.rows == once.rows


def test_a_hole_in_a_live_file_is_waited_for_and_told_only_when_it_stays(path):
    whole = small(path, 200).read_bytes()
    once = read(path)
    path.write_bytes(whole[:2000] + bytes(1000) + whole[3000:])
    live = read(path, final=False)
    assert (live.skipped, live.rows) == ([], once.rows[: len(live.rows)])
    settled = read(path, live.position)
    assert len(settled.skipped) in (1, 2)
    assert settled.rows == once.rows[-len(settled.rows) :]
    path.write_bytes(whole)
    assert live.rows + read(path, live.position, final=False).rows == once.rows


def test_a_wrong_checksum_skips_that_record(path):
    data = bytearray(small(path).read_bytes())
    sizes = [len(VERSION) + 16, *(len(scalar(f"train/m{i % 3}", i / 7, i // 3)) + 16 for i in range(12))]
    at = sum(sizes[:5])
    data[at + 20] ^= 1
    clean = read(path).rows
    path.write_bytes(data)
    got = read(path)
    assert got.skipped == [Skipped(f"record 6 at byte {at}", "checksum does not match")]
    assert got.rows == clean[:4] + clean[5:]
    assert got.count == 13


def test_a_wrong_length_loses_that_record_and_says_how_much(path):
    data = bytearray(small(path).read_bytes())
    clean = read(path).rows
    sizes = [len(VERSION) + 16, *(len(scalar(f"train/m{i % 3}", i / 7, i // 3)) + 16 for i in range(12))]
    at = sum(sizes[:5])
    for offset in range(HEADER):
        broken = bytearray(data)
        broken[at + offset] ^= 0x11
        path.write_bytes(broken)
        got = read(path)
        (skip,) = got.skipped
        assert skip.where == f"byte {at}"
        assert f"{sizes[5]} bytes" in skip.why
        assert got.rows == clean[:4] + clean[5:]
        assert read(path, final=False).rows == got.rows, "no hole, so a live file goes on at once"


def test_a_lost_tail_is_told_once_and_reading_goes_on_when_the_file_grows(path):
    whole = small(path).read_bytes()
    junk = random.Random(0).randbytes(300)
    more = [scalar("x", i, i) for i in range(4)]
    path.write_bytes(whole + junk)
    first = read(path)
    assert [s.where for s in first.skipped] == [f"byte {len(whole)}"]
    assert "300 bytes" in first.skipped[0].why
    assert read(path, first.position).chunks == [], "not tried again"
    live = read(path, final=False)
    assert (live.skipped, len(live.rows)) == ([], 12)
    tail = write(path.with_name("tail"), *more).read_bytes()
    path.write_bytes(whole + junk + tail)
    second = read(path, first.position)
    assert [r[3] for r in second.rows] == [0, 1, 2, 3]
    assert second.skipped == []
    assert [r[3] for r in read(path).rows[-4:]] == [0, 1, 2, 3]


def test_damage_larger_than_a_block(path, monkeypatch):
    monkeypatch.setattr(blocks_module, "BLOCK_BYTES", 1000)
    whole = small(path, 100).read_bytes()
    clean = read(path)
    assert len(clean.rows) == 100
    junk = random.Random(1).randbytes(5000)
    for at in (0, 1, len(VERSION) + 16, len(whole) // 2, len(whole)):
        path.write_bytes(whole[:at] + junk + whole[at:])
        got = read(path)
        assert len(got.rows) >= 99
        # inside a record, its checksum fails first
        assert len(got.skipped) == (2 if at == len(whole) // 2 else 1)
        assert "were not read" in got.skipped[-1].why
        for chunk in got.chunks:  # any interruption gives the same rows
            n = sum(len(r) for c in got.chunks[: got.chunks.index(chunk) + 1] for r in c.records)
            assert read(path, chunk.position).rows == got.rows[n:]


def test_many_damaged_records_are_one_entry(path):
    write(path, VERSION, *(scalar("x", i, i) for i in range(1, 101)))
    data = bytearray(path.read_bytes())
    size = len(scalar("x", 1, 1)) + 16
    for i in range(60):
        data[len(VERSION) + 16 + i * size + 15] ^= 1
    path.write_bytes(data)
    got = read(path)
    assert len(got.rows) == 40
    assert len(got.skipped) == 21
    assert sum(s.count for s in got.skipped) == 60
    assert got.skipped[-1].where == "records 22 to 61"


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 255), st.booleans())
def test_one_flipped_byte_costs_one_record(tmp_path_factory, at, flip, final):
    path = tmp_path_factory.mktemp("flip") / "events.out.tfevents.1"
    data = bytearray(small(path, 30).read_bytes())
    clean = read(path).rows
    data[at % len(data)] ^= flip
    path.write_bytes(data)
    got = read(path, final=final)
    missing = [row for row in clean if row not in got.rows]
    assert len(missing) <= 1
    assert [row for row in clean if row not in missing] == got.rows


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.booleans(), st.booleans(), st.sampled_from(["events.out.tfevents.1", "x.bin"]))
def test_garbage_is_never_a_traceback(tmp_path_factory, data, behind, final, name):
    path = tmp_path_factory.mktemp("junk") / name
    small(path)
    path.write_bytes(path.read_bytes() + data if behind else data)
    found = source().sniff(Head(path))
    assert (found is not None) >= behind
    try:
        rows = read(path, final=final).rows
    except InputError as error:
        rows, named = [], str(path) in str(error)
    else:
        named = True
    assert named
    assert len(rows) == (12 if behind else 0)


def test_a_file_of_which_nothing_can_be_read_says_so(path):
    path.write_bytes(b"<html>not found</html>" * 50)
    with pytest.raises(InputError, match="no event in it is whole"):
        read(path)
    assert source().sniff(Head(path)) is None


def test_sniff_goes_by_content(tmp_path):
    named, bare = tmp_path / "events.out.tfevents.1", tmp_path / "metrics.bin"
    for file in (named, bare):
        small(file)
    assert source().sniff(Head(named)).confidence >= source().sniff(Head(bare)).confidence > 0.9
    # TFRecords of training examples: same framing, another message
    assert source().sniff(Head(write(bare, b"\x0a\x05\x0a\x03abc"))) is None
    assert source().sniff(Head(write(bare, b""))) is None
    bare.write_bytes(b"")
    assert source().sniff(Head(bare)) is None
    data = bytearray(small(named).read_bytes())
    data[3] ^= 5
    named.write_bytes(data)
    assert source().sniff(Head(named)).role == "log"
    assert len(read(named).rows) == 12
    named.write_bytes(b"step,value\n1,2\n" * 9)
    assert source().sniff(Head(named)) is None


def test_gzip_whole_and_cut_off(tmp_path, monkeypatch):
    plain = small(tmp_path / "events.out.tfevents.1", 2000)
    packed = tmp_path / "events.out.tfevents.1.gz"
    monkeypatch.setattr(blocks_module, "PIECE_BYTES", 1 << 12)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert source().sniff(Head(packed)).confidence > 0.9
    assert read(packed).rows == read(plain).rows
    packed.write_bytes(packed.read_bytes()[:-400])
    got = read(packed)
    assert got.notes == ["the gzip stream is cut off"]
    assert 0 < len(got.rows) < 2000


@pytest.mark.parametrize("size", [100, 997, 4096])
def test_blocks_of_any_size_give_the_same(path, size, monkeypatch):
    small(path, 400)
    long = [scalar("t" * 5000, 1.0, 7), tensor_event("h", np.array([[0, 1, 5.0]]), "histograms", 1)]
    with path.open("ab") as file:
        for payload in long:
            RecordWriter(file).write(payload)
    whole = read(path)
    monkeypatch.setattr(blocks_module, "BLOCK_BYTES", size)
    parts = read(path)
    assert len(parts.chunks) > 2
    assert (parts.rows, parts.count, parts.histograms) == (whole.rows, whole.count, whole.histograms)
    for i, chunk in list(enumerate(parts.chunks))[:: 1 + len(parts.chunks) // 20]:
        n = sum(len(r) for c in parts.chunks[: i + 1] for r in c.records if isinstance(r, Scalars))
        assert read(path, chunk.position).rows == whole.rows[n:]
