"""rm_no_learning. An expert would look for: a slow start, a converged run that stays level, evaluations that are too few."""

from __future__ import annotations

from tests.analysis.diagnosis import made
from tests.analysis.diagnosis.made import diagnosed, serious, unchecked


def test_fires_where_all_evaluations_agree_to_their_digits(tmp_path):
    made.log(tmp_path, lambda t: 0.7, lambda t: 0.7012 + 1e-5 * t, lambda t: 0.5, lambda t: 0.5)
    found = diagnosed(tmp_path)
    assert serious(found) == [("rm_no_learning", "critical")]
    assert "learning rate is at most 1e-05" in found.findings[0].evidence[0].statement


def test_look_alike_labels_of_noise_move_the_scores(tmp_path):
    made.of_noise(tmp_path)
    assert "rm_no_learning" not in [f.cause for f in diagnosed(tmp_path).findings]


def test_look_alike_a_run_that_has_converged_moved_before(tmp_path):
    made.log(tmp_path, lambda t: 0.5, lambda t: 0.69 if t < 0.1 else 0.5, lambda t: 0.75, lambda t: 0.74)
    assert serious(diagnosed(tmp_path)) == []


def test_not_established_by_four_evaluations(tmp_path):
    made.log(tmp_path, lambda t: 0.7, lambda t: 0.7, lambda t: 0.5, lambda t: 0.5, rows=20, evaluations=4)
    found = diagnosed(tmp_path)
    assert "rm_no_learning" not in [f.cause for f in found.findings]
    assert "5 or more are needed" in unchecked(found)["whether training changes the scores"]
