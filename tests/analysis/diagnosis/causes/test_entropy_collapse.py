"""entropy_collapse. An expert would look for: a good run that loses most of its entropy, entropy between a tenth and a fifth, a log
without entropy.
"""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import changed, left_open, needs_labelled, serious

pytestmark = needs_labelled


def test_fires_on_a_real_run(real):
    run = changed(real("grpo-6c4e"), rollouts=None)
    found = diagnose(run).findings[0]
    assert (found.cause, found.severity) == ("entropy_collapse", "critical")


def test_look_alike_entropy_that_falls_alone_is_a_note(real):
    lost = changed(real("grpo-b2f0"), entropy__token_mean=lambda s, v: v * np.exp(-s / 40))
    said = diagnose(lost)
    assert not serious(said)
    assert [f.severity for f in said.findings if f.cause == "entropy_collapse"] == ["info"]


def test_not_established_without_entropy(real):
    assert "entropy" in left_open(diagnose(changed(real("grpo-b2f0"), without=("entropy",))), "keeps its variety")


def test_not_established_between_a_tenth_and_a_fifth_of_its_start(real):
    doubt = changed(real("grpo-b2f0"), rollouts=None, entropy__token_mean=lambda s, v: v * np.where(s > 60, 0.15, 1.0))
    said = diagnose(doubt)
    assert "entropy_collapse" not in {f.cause for f in said.findings}
    assert "not below a tenth" in left_open(said, "keeps its variety")
