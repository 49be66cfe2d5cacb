"""The second set: other base models, proxies, settings and faults than the first, and TRL's own PPO.

Nothing here was chosen by what the diagnosis says: each label tells the fault that was put in, and `also` what a careful
expert may say of it, both written down before the run was trained.
"""

from __future__ import annotations

from tests.benchmarks.diagnosis.fresh.specs import (
    FREE,
    HELD,
    SCALED_UP,
    TOO_FAST,
    Policy,
    Preference,
    RewardModel,
    RunSet,
    Spec,
    TrlPpo,
)

SEEDS = {"base": 1101, "other": 1102}

PROXIES: dict[str, RewardModel] = {
    "good": RewardModel("good", "healthy", 1301, labels="gold", pairs=9000),
    "weak": RewardModel("weak", "healthy", 1302, pairs=900, labels="noisy"),
    "long": RewardModel("long", "healthy", 1303, pairs=5000, labels="length_liked"),
    "flattered": RewardModel("flattered", "healthy", 1304, pairs=5000, labels="style"),
}

PPO: tuple[Spec, ...] = (
    TrlPpo("q01", "healthy", 1401, rate=3e-4, steps=110, batch=64, epochs=4),
    TrlPpo("q02", "reward_scale_mismatch", 1402, reward_scale=8.0, also=(*SCALED_UP, "value_failure")),
    TrlPpo("q03", "truncation", 1403, longest=7, also=("length_hacking",)),
    TrlPpo("q04", "healthy", 1404, reward_scale=6.0, kl_coef=0.6, rate=5e-4, batch=64, epochs=2, steps=100, records=False),
    TrlPpo("q05", "policy_reference_mismatch", 1405, other_reference=True),
    TrlPpo("q06", "kl_too_strong", 1406, kl_coef=4.0, rate=2e-4, records=False, also=HELD),
    TrlPpo("q07", "value_failure", 1407, value="frozen", records=False),
    TrlPpo("q08", "mid_run_fault", 1408, fault="negate", fault_step=55),
    TrlPpo("q09", "reward_hacking", 1409, proxy="weak", kl_coef=0.0, rate=8e-4, steps=120, also=FREE),
    TrlPpo("q10", "no_learning", 1410, rate=1e-9),
    TrlPpo("q11", "healthy", 1411, end_penalty=1.0, kl_coef=0.15, minibatches=1, epochs=4, schedule="constant"),
    TrlPpo("q12", "lr_too_high", 1412, rate=1e-2, records=False, also=TOO_FAST),
    TrlPpo("q13", "kl_runaway", 1413, kl_coef=0.0, rate=4e-4, schedule="constant", steps=130, also=FREE),
    TrlPpo("q14", "numeric_divergence", 1414, fault="nan_reward", fault_step=50, records=False, also=("mid_run_fault",)),
    TrlPpo("q15", "length_hacking", 1415, proxy="long", kl_coef=0.03, rate=5e-4, also=("reward_hacking",)),
    TrlPpo("q16", "truncation", 1416, longest=9, end_penalty=1.0, records=False, also=("length_hacking",)),
    TrlPpo("q17", "value_failure", 1417, value="huge", batch=40),
    TrlPpo("q18", "mid_run_fault", 1418, fault="rate", fault_step=55, records=False, also=("lr_too_high",)),
    TrlPpo("q19", "healthy", 1419, estimator="k3", temperature=0.8, kl_coef=0.2, schedule="cosine", epochs=2, steps=110, records=False),
    TrlPpo("q20", "mid_run_fault", 1420, fault="shift", fault_step=50, records=False),
    TrlPpo("q21", "reward_hacking", 1421, proxy="flattered", kl_coef=0.02, rate=5e-4, also=("length_hacking", *FREE)),
    TrlPpo("q22", "lr_too_high", 1422, rate=5e-3, schedule="constant", masks_padding=False, also=TOO_FAST),
)  # fmt: skip

POLICIES: tuple[Spec, ...] = (
    Policy("s01", "healthy", 1201, beta=0.3, rate=4e-4, generations=4, scaling="batch", loss_type="dr_grpo", schedule="cosine", log_every=2, steps=120),
    Policy("s02", "truncation", 1202, longest=7, beta=0.3, log_every=2, records=False, also=("length_hacking",)),
    Policy("s03", "kl_runaway", 1203, beta=0.001, rate=5e-4, steps=220, also=FREE),
    Policy("s04", "healthy", 1204, trainer="rloo", beta=0.08, temperature=0.9, schedule="linear"),
    Policy("s05", "mid_run_fault", 1205, fault="swapped", fault_step=80, beta=0.15, also=("reward_hacking",)),
    Policy("s06", "zero_signal_groups", 1206, reward="seldom", also=("no_learning",)),
    Policy("s07", "entropy_collapse", 1207, temperature=0.5, beta=0.0, rate=1e-3, records=False, also=FREE),
    Policy("s08", "policy_reference_mismatch", 1208, reference_factor=2.0, records=False),
    Policy("s09", "no_learning", 1209, trainer="rloo", beta=0.05, fault="frozen", steps=110, records=False),
    Policy("s10", "healthy", 1210, beta=0.25, rate=2e-4, iterations=2, loss_type="bnpo", steps=160),
    Policy("s11", "mid_run_fault", 1211, fault="category", fault_step=75),
    Policy("s12", "reward_scale_mismatch", 1212, scaling="none", reward_scale=15.0, also=SCALED_UP),
    Policy("s13", "kl_too_strong", 1213, beta=7.0, rate=2e-4, records=False, also=HELD),
    Policy("s14", "reward_hacking", 1214, proxy="flattered", beta=0.02, rate=5e-4, steps=160, also=("length_hacking", *FREE)),
    Policy("s15", "truncation", 1215, trainer="rloo", beta=0.05, fault="no_end", fault_step=60, also=("mid_run_fault", "length_hacking")),
    Policy("s16", "healthy", 1216, beta=0.15, generations=16, scaling="none", schedule="linear", log_every=10, steps=150, records=False),
    Policy("s17", "mid_run_fault", 1217, trainer="rloo", beta=0.06, fault="replaced", fault_step=80, records=False, also=("length_hacking", "reward_hacking")),
    Policy("s18", "numeric_divergence", 1218, fault="inf_gradient", fault_step=70, also=("mid_run_fault",)),
    Policy("s19", "length_hacking", 1219, proxy="long", beta=0.02, rate=4e-4, generations=4, records=False, also=("reward_hacking",)),
    Policy("s20", "lr_too_high", 1220, beta=0.2, rate=1.2e-2, also=TOO_FAST),
    Policy("s21", "kl_runaway", 1221, trainer="rloo", beta=0.05, rate=5e-4, fault="loosened", fault_step=50, steps=170, also=("mid_run_fault", *FREE)),
    Policy("s22", "healthy", 1222, trainer="rloo", beta=0.04, rate=2e-4, log_every=10, steps=150, records=False),
    Policy("s23", "reward_scale_mismatch", 1223, trainer="rloo", beta=0.08, reward_scale=1 / 25, also=("kl_too_strong", "no_learning")),
    Policy("s24", "zero_signal_groups", 1224, trainer="rloo", beta=0.05, reward="passing", records=False, also=("no_learning",)),
    Policy("s25", "mid_run_fault", 1225, trainer="rloo", beta=0.05, fault="shift", fault_step=70),
    Policy("s26", "policy_reference_mismatch", 1226, trainer="rloo", beta=0.06, other_reference=True, generations=4, records=False),
    Policy("s27", "reward_hacking", 1227, trainer="rloo", proxy="weak", beta=0.002, rate=8e-4, steps=180, records=False, also=FREE),
    Policy("s28", "healthy", 1228, reward="gold", beta=0.0, rate=2e-4, scaling="none", loss_type="dr_grpo", also=("kl_runaway", "entropy_collapse")),
    Policy("s29", "mid_run_fault", 1229, fault="rate", fault_step=60, beta=0.1, log_every=2, records=False, also=("lr_too_high",)),
    Policy("s30", "kl_runaway", 1230, beta=0.003, rate=1.5e-4, fault="growing", fault_step=10, steps=160, records=False, also=("lr_too_high", *FREE)),
    Policy("s31", "numeric_divergence", 1231, trainer="rloo", beta=0.05, fault="nan_reward", fault_step=50, records=False, also=("mid_run_fault", "zero_signal_groups", "no_learning")),
    Policy("s32", "lr_too_high", 1232, trainer="rloo", beta=0.05, rate=6e-3, log_every=2, also=TOO_FAST),
    Policy("s33", "no_learning", 1233, rate=1e-9, temperature=0.9, log_every=10),
    Policy("s34", "mid_run_fault", 1234, fault="negate", fault_step=90, generations=4),
    Policy("s35", "healthy", 1235, beta=0.4, rate=5e-4, scaling="batch", schedule="cosine", warmup=0),
    Policy("s36", "length_hacking", 1236, trainer="rloo", proxy="long", beta=0.006, rate=4e-4, also=("reward_hacking",)),
    Policy("s37", "entropy_collapse", 1237, trainer="rloo", temperature=0.7, beta=0.0005, rate=1e-3, also=FREE),
    Policy("s38", "reward_scale_mismatch", 1238, trainer="rloo", beta=0.06, reward_scale=12.0, generations=4, records=False, also=SCALED_UP),
    Policy("s39", "kl_too_strong", 1239, trainer="rloo", beta=1.5, also=HELD),
    Policy("s40", "numeric_divergence", 1240, fault="nan_weights", fault_step=90, log_every=2, records=False, also=("mid_run_fault",)),
    Policy("s41", "reward_hacking", 1241, proxy="weak", beta=0.0, rate=8e-4, scaling="batch", steps=180, also=FREE),
)  # fmt: skip

PREFERENCES: tuple[Spec, ...] = (
    RewardModel("r01", "healthy", 1311, pairs=6000, rate=7e-4),
    RewardModel("r02", "rm_inverted_labels", 1312, labels="inverted", pairs=3000),
    RewardModel("r03", "rm_miscalibrated", 1313, sharpen=5.0, pairs=5000, evaluates=False),
    RewardModel("r04", "rm_label_noise", 1314, labels="coin", pairs=3000, also=("rm_no_learning",)),
    RewardModel("r05", "rm_length_bias", 1315, labels="brevity"),
    Preference("e01", "healthy", 1501, beta=0.2, rate=1.5e-4),
    Preference("e02", "policy_reference_mismatch", 1502, other_reference=True),
    RewardModel("r06", "rm_overfit", 1316, pairs=350, epochs=30, rate=1.5e-3, also=("rm_miscalibrated",)),
    RewardModel("r07", "rm_subset_corrupted", 1317, labels="music", pairs=5000),
    RewardModel("r08", "rm_style_bias", 1318, labels="style", pairs=5000),
    RewardModel("r09", "rm_no_learning", 1319, rate=1e-8, also=("rm_label_noise",)),
    RewardModel("r10", "rm_miscalibrated", 1320, sharpen=1 / 8, pairs=5000),
    RewardModel("r11", "healthy", 1321, loss="hinge", pairs=6000, epochs=1),
    RewardModel("r12", "rm_length_bias", 1322, labels="length", pairs=2500, rate=7e-4),
    Preference("e03", "rm_label_noise", 1503, labels="coin"),
    Preference("e04", "lr_too_high", 1504, rate=1e-2, beta=0.2, also=("rm_overfit", "numeric_divergence")),
    Preference("e05", "rm_overfit", 1505, pairs=250, epochs=30, rate=5e-4, beta=0.2, also=("preference_overfit", "rm_miscalibrated")),
)  # fmt: skip

SPECS: tuple[Spec, ...] = (*PPO, *POLICIES, *PREFERENCES)

SECOND = RunSet(SEEDS, PROXIES, SPECS)
