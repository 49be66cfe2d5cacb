"""The grey band: seldom made anew, and for a moment that of nearly the same runs.

Where an expert would catch it being wrong: the band of a moment ago stays for good once nothing is written any more; one
of other runs, panels, recipes, windows or of a shorter stretch is shown; of ten runs one is left in; what stands in is
never mended, or mended by a page that asks although nothing is due; a panel that only this choice shows stays without one.
"""

import json

import numpy as np
import pandas as pd
import pytest

from analysis import host
from analysis.board import Board
from dashboard import behind, figures, requests
from dashboard.behind import Asked, Bands
from dashboard.remembered import Remembered

RUNS = tuple(f"r{i}" for i in range(200))


def asked(runs=RUNS, where="here", recipes=("ppo",), seen=(0.0, 100.0), metrics=("kl",)) -> Asked:
    return Asked(where, tuple(metrics), frozenset(recipes), tuple(runs), seen)


class Maker:
    """Makes bands that tell when they were made."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, metrics) -> pd.DataFrame:
        self.made += 1
        return pd.DataFrame({"metric": list(metrics), "made": self.made})


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("dashboard.remembered.time.monotonic", lambda: now[0])
    return now


def number(found: tuple[pd.DataFrame, bool]) -> tuple[int, bool]:
    return int(found[0]["made"][0]), found[1]


def test_a_band_is_made_once_and_again_when_its_data_moved_a_while_ago(clock):
    bands, make = Bands(), Maker()
    assert number(bands.get(asked(), "v1", make, fresh=True)) == (1, False)
    assert number(bands.get(asked(), "v1", make, fresh=False)) == (1, False)
    clock[0] += behind.SECONDS / 2
    assert number(bands.get(asked(), "v2", make, fresh=False)) == (1, True)
    clock[0] += behind.SECONDS
    assert number(bands.get(asked(), "v2", make, fresh=False)) == (2, False)


def test_where_a_view_begins_nearly_the_same_runs_stand_in_until_it_asks_again(clock):
    bands, make, others = Bands(), Maker(), RUNS[1:]
    bands.get(asked(), "v1", make, fresh=True)
    told = bands.word("here", others, "v1", fresh=True)
    assert number(bands.get(asked(others), "v1", make, fresh=True)) == (1, True)
    assert bands.word("here", others, "v1", fresh=False) != told
    assert number(bands.get(asked(others), "v1", make, fresh=False)) == (2, False)


def test_runs_that_were_chosen_before_begin_with_their_own_band_however_old(clock):
    bands, make = Bands(), Maker()
    bands.get(asked(), "v1", make, fresh=True)
    bands.get(asked(RUNS[1:]), "v1", make, fresh=False)
    clock[0] += 100 * behind.SECONDS
    assert number(bands.get(asked(), "v1", make, fresh=True)) == (1, False)
    assert number(bands.get(asked(), "v2", make, fresh=True)) == (1, True)
    assert bands.word("here", RUNS, "v2", fresh=True) != bands.word("here", RUNS, "v2", fresh=False)


@pytest.mark.parametrize(
    "other",
    [
        asked(RUNS[5:]),
        asked(RUNS[1:], where="elsewhere"),
        asked(RUNS[1:], recipes=("grpo",)),
        asked(RUNS[1:], seen=(0.0, 130.0)),
        asked(RUNS[1:], seen=(40.0, 100.0)),
    ],
    ids=["five runs of 200", "other panels", "another recipe", "a longer stretch", "a later stretch"],
)
def test_no_other_band_stands_in(clock, other):
    bands, make = Bands(), Maker()
    bands.get(asked(), "v1", make, fresh=True)
    assert number(bands.get(other, "v1", make, fresh=True)) == (2, False)


def test_a_panel_that_only_this_choice_shows_has_its_band_at_once_and_the_others_are_not_made_for_it(clock):
    bands, make = Bands(), Maker()
    bands.get(asked(metrics=("kl", "entropy")), "v1", make, fresh=True)
    wider = asked(RUNS[1:], metrics=("kl", "entropy", "loss"))
    for _ in range(2):  # the second time it is at hand
        band, stale = bands.get(wider, "v1", make, fresh=True)
        assert dict(zip(band["metric"], band["made"], strict=True)) == {"kl": 1, "entropy": 1, "loss": 2}
        assert stale
    assert bands.word("here", RUNS[1:], "v1", fresh=True) != bands.word("here", RUNS[1:], "v1", fresh=False)
    band, stale = bands.get(wider, "v1", make, fresh=False)
    assert set(band["made"]) == {3}
    assert not stale
    band, stale = bands.get(wider, "v1", make, fresh=True)
    assert set(band["made"]) == {3}
    assert not stale


def test_a_panel_without_a_band_is_not_shown_that_of_another(clock):
    bands, make = Bands(), Maker()
    bands.get(asked(metrics=("kl", "entropy")), "v1", make, fresh=True)
    band, _ = bands.get(asked(RUNS[1:]), "v1", make, fresh=True)
    assert list(band["metric"]) == ["kl"]


def test_of_few_runs_each_choice_has_its_own_band(clock):
    bands, make = Bands(), Maker()
    bands.get(asked(RUNS[:50]), "v1", make, fresh=True)
    assert number(bands.get(asked(RUNS[1:50]), "v1", make, fresh=True)) == (2, False)


def test_a_failure_is_told_and_the_next_one_tries_again(clock):
    bands, make = Bands(), Maker()

    def fails(metrics) -> pd.DataFrame:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        bands.get(asked(), "v1", fails, fresh=True)
    assert number(bands.get(asked(), "v1", make, fresh=True)) == (1, False)


@pytest.fixture
def many(tmp_path):
    """A hundred and twenty short runs."""
    rng = np.random.default_rng(0)
    for i in range(120):
        folder = tmp_path / f"run-{i:03d}"
        folder.mkdir()
        rows = [{"step": step, "kl": float(value)} for step, value in enumerate(rng.normal(i, 1, 12))]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Board.open() as board:
        board.ingest(tmp_path)
        yield host.Host(board, [], None)


def chosen(shared, *runs):
    rest = tuple(run for run in shared.board.runs()["run"] if run not in runs)
    return figures.Curves(runs, tuple(range(len(runs))), behind=rest).asked()


def afresh(monkeypatch) -> None:
    """As if the server had just been started."""
    monkeypatch.setattr(figures, "_bands", Bands())
    monkeypatch.setattr(requests, "_kept", Remembered(requests.KEPT))


def test_a_page_that_stands_still_comes_to_the_band_of_its_own_runs(many, monkeypatch):
    def drawn(body: bytes) -> list:
        return json.loads(body)["figure"]["data"]

    view = chosen(many, "run-000", "run-119")
    afresh(monkeypatch)
    alone, _, _ = requests.curves(many, view)
    afresh(monkeypatch)
    requests.curves(many, chosen(many, "run-000"))
    first, _, version = requests.curves(many, view)
    assert json.loads(first)["stale"]
    assert drawn(first) != drawn(alone)
    second, _, newer = requests.curves(many, view | {"have": version})
    assert not json.loads(second)["stale"]
    assert drawn(second) == drawn(alone)
    assert requests.curves(many, view | {"have": newer}) == (None, "", newer)
