"""Signals of labelled runs, read by the product from nothing but the files that a tool may read."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from analysis.board import Board
from analysis.diagnosis.signals import Signals
from tests.analysis.diagnosis.worlds import INPUTS, LABELLED


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Signals]:
    """Name -> signals of a labelled run; read once."""
    if not LABELLED.is_dir():
        pytest.skip("the labelled runs are not beside this checkout")
    root = tmp_path_factory.mktemp("labelled")
    known: dict[str, Signals] = {}

    def read(name: str) -> Signals:
        if name not in known:
            (root / name).mkdir()
            for file in INPUTS:
                source = LABELLED / name / file
                if source.is_dir():
                    shutil.copytree(source, root / name / file)
                elif source.exists():
                    shutil.copy(source, root / name / file)
            with Board.open() as board:
                board.ingest(root / name)
                known[name] = board.signals(name)
        return known[name]

    return read
