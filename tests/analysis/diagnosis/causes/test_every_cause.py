"""A cause ships only with tests in which it fires, a look-alike in which it must not, and one in which it says 'not established'."""

from pathlib import Path

import pytest

from analysis import registry

HERE = Path(__file__).parent
WANTED = ("test_fires_", "test_look_alike_", "test_not_established_")


@pytest.mark.parametrize("cause", sorted(registry.leaves("cause")))
@pytest.mark.parametrize("prefix", WANTED)
def test_a_cause_ships_with_its_three_tests(cause, prefix):
    tests = HERE / f"test_{cause}.py"
    assert tests.exists(), f"{cause} has no tests of its own"
    assert f"def {prefix}" in tests.read_text()


def test_no_test_is_left_of_a_cause_that_is_gone():
    names = {p.stem.removeprefix("test_") for p in HERE.glob("test_*.py")} - {"every_cause"}
    assert names == set(registry.leaves("cause"))
