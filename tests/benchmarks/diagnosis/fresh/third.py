"""The third set: milder faults and later ones than in the sets before, some of new kinds, and healthy runs that look odd.

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

SEEDS = {"base": 2101, "other": 2102}

PROXIES: dict[str, RewardModel] = {
    "good": RewardModel("good", "healthy", 2301, labels="gold", pairs=7000),
    "weak": RewardModel("weak", "healthy", 2302, pairs=700, labels="noisy"),
    "long": RewardModel("long", "healthy", 2303, pairs=3500, labels="length_liked"),
    "flattered": RewardModel("flattered", "healthy", 2304, pairs=3500, labels="praised"),
}

POLICIES: tuple[Spec, ...] = (
    Policy("t01", "healthy", 2201, restart=50, steps=100),  # two event files, the steps behind the checkpoint told twice
    Policy("t02", "truncation", 2202, trainer="rloo", beta=0.06, fault="short", fault_step=45, fault_size=7, steps=100, log_every=2, records=False, also=("mid_run_fault", "length_hacking")),
    Policy("t03", "reward_scale_mismatch", 2203, scaling="none", reward_scale=10.0, generations=16, steps=110, also=SCALED_UP),
    Policy("t04", "healthy", 2204, trainer="rloo", beta=0.05, warmup=40, rate=4e-4, steps=110, log_every=3, records=False),
    Policy("t05", "mid_run_fault", 2205, fault="hot", fault_step=55, fault_size=1.8, steps=100),
    Policy("t06", "zero_signal_groups", 2206, reward="clipped", generations=4, steps=100, log_every=2, records=False, also=("no_learning",)),
    Policy("t07", "kl_too_strong", 2207, beta=2.5, steps=90, also=HELD),
    Policy("t08", "numeric_divergence", 2208, trainer="rloo", beta=0.05, fault="inf_gradient", fault_step=40, steps=90, records=False, also=("mid_run_fault",)),
    Policy("t09", "policy_reference_mismatch", 2209, trainer="rloo", beta=0.08, reference_factor=0.6, steps=100, generations=4),
    Policy("t10", "healthy", 2210, batch=16, generations=4, rate=1e-4, beta=0.1, steps=160, records=False),
    Policy("t11", "lr_too_high", 2211, trainer="rloo", beta=0.05, rate=4e-3, warmup=0, steps=90, events=False, also=TOO_FAST),
    Policy("t12", "length_hacking", 2212, proxy="long", beta=0.05, generations=16, steps=110, log_every=2, also=("reward_hacking",)),
    Policy("t13", "no_learning", 2213, reward="others", beta=0.1, steps=100, records=False),  # scores of other answers
    Policy("t14", "mid_run_fault", 2214, trainer="rloo", beta=0.05, fault="default", fault_step=60, fault_size=1.0, steps=100, records=False, also=("zero_signal_groups", "no_learning")),
    Policy("t15", "entropy_collapse", 2215, temperature=0.65, beta=0.0005, rate=1.2e-3, steps=110, also=FREE),
    Policy("t16", "kl_runaway", 2216, trainer="rloo", beta=1e-4, rate=5e-4, steps=120, log_every=5, events=False, also=FREE),
    Policy("t17", "reward_hacking", 2217, proxy="weak", beta=0.01, rate=6e-4, steps=130, also=FREE),
    Policy("t18", "healthy", 2218, trainer="rloo", reward="squashed", beta=0.01, rate=5e-4, schedule="cosine", steps=110, events=False),
    Policy("t20", "reward_scale_mismatch", 2220, trainer="rloo", reward_scale=1 / 15, beta=0.1, batch=32, steps=110, records=False, also=("kl_too_strong", "no_learning")),
    Policy("t21", "healthy", 2221, beta=0.7, rate=5e-4, steps=100, log_every=2, records=False),
    Policy("t22", "truncation", 2222, longest=10, steps=90, generations=4, also=("length_hacking",)),
    Policy("t23", "mid_run_fault", 2223, fault="rate", fault_step=70, fault_size=8, rate=4e-4, steps=105, log_every=5, also=("lr_too_high",)),
    Policy("t24", "policy_reference_mismatch", 2224, reference_factor=1.5, beta=0.1, steps=90, log_every=5, records=False, events=False),
    Policy("t25", "zero_signal_groups", 2225, trainer="rloo", beta=0.03, reward="seldom", generations=4, steps=90, also=("no_learning",)),
    Policy("t26", "numeric_divergence", 2226, fault="nan_weights", fault_step=75, beta=0.3, generations=4, steps=100, log_every=5, events=False, also=("mid_run_fault",)),
    Policy("t27", "no_learning", 2227, fault="frozen", generations=4, steps=90, log_every=10, records=False),
    Policy("t28", "mid_run_fault", 2228, fault="reference", fault_step=60, fault_size=0.5, steps=95, also=("policy_reference_mismatch", "kl_runaway")),
)  # fmt: skip

PPO: tuple[Spec, ...] = (
    TrlPpo("u01", "healthy", 2401, batch=32, minibatches=1, epochs=4, rate=3e-4, kl_coef=0.2, steps=100, records=False),
    TrlPpo("u02", "value_failure", 2402, value="random", vf_coef=0.0, records=False),
    TrlPpo("u03", "reward_hacking", 2403, proxy="weak", kl_coef=0.01, rate=6e-4, steps=110, also=FREE),
    TrlPpo("u04", "kl_too_strong", 2404, kl_coef=2.0, rate=3e-4, steps=80, also=HELD),
    TrlPpo("u05", "mid_run_fault", 2405, fault="shift", fault_step=60, fault_size=3.0, batch=40, minibatches=4, epochs=2, records=False),
    TrlPpo("u06", "healthy", 2406, kl_coef=0.3, end_penalty=0.5, temperature=0.9, schedule="constant", batch=64, epochs=2, steps=80),
    TrlPpo("u07", "lr_too_high", 2407, rate=4e-3, schedule="cosine", events=False, also=TOO_FAST),
    TrlPpo("u08", "length_hacking", 2408, proxy="long", kl_coef=0.05, rate=4e-4, epochs=4, records=False, also=("reward_hacking",)),
    TrlPpo("u09", "value_failure", 2409, fault="values_lost", fault_step=45, also=("mid_run_fault",)),
    TrlPpo("u10", "kl_runaway", 2410, kl_coef=0.001, rate=5e-4, steps=110, also=FREE),
    TrlPpo("u11", "truncation", 2411, longest=8, kl_coef=0.15, batch=64, epochs=2, records=False, also=("length_hacking",)),
)  # fmt: skip

PREFERENCES: tuple[Spec, ...] = (
    RewardModel("v01", "rm_length_bias", 2311, labels="length_liked"),
    RewardModel("v02", "healthy", 2312, pairs=3000, rate=5e-4),
    RewardModel("v03", "rm_label_noise", 2313, labels="third", also=("rm_no_learning",)),
    RewardModel("v04", "rm_subset_corrupted", 2314, labels="travel"),
    RewardModel("v05", "rm_overfit", 2315, pairs=600, epochs=15, also=("rm_miscalibrated",)),
    RewardModel("v06", "rm_inverted_labels", 2316, labels="mostly", pairs=3500, also=("rm_label_noise",)),
    RewardModel("v07", "rm_miscalibrated", 2317, sharpen=3.5),
    RewardModel("v08", "rm_style_bias", 2318, labels="praised"),
    RewardModel("v09", "rm_no_learning", 2319, rate=3e-6, pairs=3000, also=("rm_label_noise",)),
    RewardModel("v10", "lr_too_high", 2320, rate=5e-2, pairs=3000, also=("rm_no_learning", "numeric_divergence", "rm_label_noise")),
    Preference("w01", "healthy", 2501, beta=0.15, rate=1.2e-4, pairs=2500),
    Preference("w02", "rm_label_noise", 2502, labels="third", pairs=2500, also=("rm_no_learning",)),
    Preference("w03", "rm_no_learning", 2503, rate=1e-8, pairs=1500, also=("no_learning",)),
)  # fmt: skip

SPECS: tuple[Spec, ...] = (*POLICIES, *PPO, *PREFERENCES)

THIRD = RunSet(SEEDS, PROXIES, SPECS)
