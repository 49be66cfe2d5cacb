"""NumPy arrays of scores."""

from __future__ import annotations

import gzip
import math
import tracemalloc

import numpy as np
import pytest

from analysis.records import Histograms, InputError, PairScores, Rollouts
from analysis.sources.base import Job
from analysis.sources.score_arrays import BINS
from tests.analysis.sources.score_files import chosen_source, read, reads_or_says_why, source, survives_any_cut


def save(path, array):
    np.save(path, array, allow_pickle=True)
    return path


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", ">f8", "int64", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_one_column_of_numbers(tmp_path, kind, shape):
    path = save(tmp_path / "a.npy", np.array([0, 1, 1, 0]).astype(kind).reshape(shape))
    assert chosen_source(path) == ("score_array", "rollouts")
    result = read(path)
    table = result.table(Rollouts)
    assert table["score"].to_pylist() == [0, 1, 1, 0]
    assert table["row"].to_pylist() == [0, 1, 2, 3]
    histogram = result.rows_of(Histograms)
    assert [(h["tag"], len(h["counts"]), len(h["edges"])) for h in histogram] == [("score", BINS, BINS + 1)]
    assert sum(histogram[0]["counts"]) == 4
    assert result.rows == 4


def test_chunks_and_one_histogram(tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.sources.base.CHUNK_VALUES", 1000)
    values = np.random.default_rng(0).normal(size=3500)
    result = read(save(tmp_path / "a.npy", values))
    assert [c.rows for c in result.chunks] == [1000, 1000, 1000, 500, 0]
    assert result.table(Rollouts)["row"].to_pylist() == list(range(3500))
    histogram = result.rows_of(Histograms)[0]
    counts, edges = np.histogram(values, bins=BINS)
    assert histogram["counts"] == counts.tolist()
    assert np.allclose(histogram["edges"], edges)


@pytest.mark.parametrize(
    ("values", "finite"),
    [
        ([1.0, math.nan, math.inf, 2.0], 2),
        ([1e308, -1e308, 0.0], 3),
        ([5.0, 5.0], 2),
        ([1e300] * 3, 3),
        ([5e-324, 0.0], 2),
    ],
)
def test_special_values(tmp_path, values, finite):
    result = read(save(tmp_path / "a.npy", np.array(values)))
    scores = result.table(Rollouts)["score"].to_numpy()
    np.testing.assert_array_equal(scores, values)
    assert sum(result.rows_of(Histograms)[0]["counts"]) == finite
    assert (f"{len(values) - finite} scores are not finite" in result.notes) == (finite < len(values))


def test_nothing_finite_and_nothing_at_all(tmp_path):
    result = read(save(tmp_path / "a.npy", np.array([math.nan, math.inf])))
    assert result.rows_of(Histograms) == []
    assert result.table(Rollouts).num_rows == 2
    assert read(save(tmp_path / "b.npy", np.array([]))).rows == 0


def test_several_arrays(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, base=np.arange(3.0), tuned=np.arange(4.0), table=np.zeros((3, 4)), words=np.array(["x"]))
    assert chosen_source(path) == ("score_array", "rollouts")
    result = read(path)
    rows = result.rows_of(Rollouts)
    assert [(r["run"], r["score"]) for r in rows] == [("base", i) for i in range(3)] + [("tuned", i) for i in range(4)]
    assert len({r["row"] for r in rows}) == 7
    assert {h["run"] for h in result.rows_of(Histograms)} == {"base", "tuned"}
    assert [s.where for s in result.skipped] == ["array table", "array words"]


def test_pairs_only_if_a_name_says_so(tmp_path):
    two = np.array([[1.0, 0.0], [2.0, 3.0]])
    result = read(save(tmp_path / "chosen_rejected.npy", two))
    assert [(r["pair_id"], r["chosen_score"], r["rejected_score"]) for r in result.rows_of(PairScores)] == [
        ("0", 1, 0),
        ("1", 2, 3),
    ]
    assert chosen_source(tmp_path / "chosen_rejected.npy")[1] == "scores"
    np.savez(tmp_path / "a.npz", chosen=two[:, 0], rejected=two[:, 1])
    assert chosen_source(tmp_path / "a.npz")[1] == "scores"
    result = read(tmp_path / "a.npz")
    assert len(result.rows_of(PairScores)) == 2
    assert result.rows == 2
    with pytest.raises(InputError, match="shape"):
        read(save(tmp_path / "other.npy", two))


@pytest.mark.parametrize(
    "array", [np.array([1, "x"], object), np.array(["a"]), np.array([1j]), np.zeros((2, 3, 4)), np.array(1.0)]
)
def test_other_arrays_are_refused_with_the_mend(tmp_path, array):
    with pytest.raises(InputError) as caught:
        read(save(tmp_path / "a.npy", array), "score_array")
    assert caught.value.mend
    assert caught.value.where
    if array.dtype == object:
        assert "pickled objects" in str(caught.value)


def test_gzipped_arrays(tmp_path):
    path = tmp_path / "a.npy.gz"
    path.write_bytes(gzip.compress(save(tmp_path / "a.npy", np.arange(3.0)).read_bytes()))
    assert read(path).table(Rollouts)["score"].to_pylist() == [0, 1, 2]


def test_memory_stays_flat(tmp_path):
    n = 4_000_000
    path = save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=n).astype("float32"))
    tracemalloc.start()
    assert sum(chunk.rows for chunk in source("score_array").read(Job(path))) == n
    assert tracemalloc.get_traced_memory()[1] < 20e6  # the scores alone would be 32 MB as float64
    tracemalloc.stop()


def test_any_cut(tmp_path):
    survives_any_cut(save(tmp_path / "a.npy", np.arange(4.0)), "score_array", tmp_path)
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(4.0), y=np.arange(3.0))
    survives_any_cut(tmp_path / "a.npz", "score_array", tmp_path)


def test_damage_inside_a_packed_file(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.random.default_rng(0).normal(size=200))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    for place in range(0, len(data), 11):
        broken = bytearray(data)
        broken[place] ^= 0xFF
        (tmp_path / "b.npz").write_bytes(broken)
        reads_or_says_why(tmp_path / "b.npz", "score_array")


@pytest.mark.parametrize(
    ("name", "n", "facts"),
    [
        ("llama", 16_000, {50: -0.13, 1: -4.1, 99: 2.5, 100: 4.14}),
        ("random", 30_000, {50: -2.6, 95: -1.97, 100: 0.72}),
    ],
)
def test_scores_of_starling(real_runs, name, n, facts):
    path = real_runs / "starling_rm_score_tails" / f"{name}_starling_reward_values.npy"
    assert chosen_source(path) == ("score_array", "rollouts")
    result = read(path)
    scores = result.table(Rollouts)["score"].to_numpy()
    assert len(scores) == result.rows == n
    for percent, value in facts.items():
        places = len(str(value).partition(".")[2])
        assert round(float(np.percentile(scores, percent)), places) == pytest.approx(value, abs=1.01 * 10**-places), (
            percent
        )
    histogram = result.rows_of(Histograms)[0]
    assert sum(histogram["counts"]) == n
    middle = np.searchsorted(np.cumsum(histogram["counts"]), n / 2)
    assert histogram["edges"][middle] <= np.median(scores) <= histogram["edges"][middle + 1]
