"""What is trained, and what is true of it: settings alone; nothing here was chosen by what the diagnosis says."""

from __future__ import annotations

from dataclasses import dataclass

FREE = ("reward_hacking", "entropy_collapse", "kl_runaway")
"""What may also be said of a policy that little holds at its reference: these come together."""
TOO_FAST = ("kl_runaway", "entropy_collapse", "numeric_divergence")
SCALED_UP = ("reward_hacking", "kl_runaway")
HELD = ("no_learning", "reward_scale_mismatch")
"""Of a penalty that holds the policy where it is: no learning comes of it, and a small score would look the same."""


@dataclass(frozen=True, slots=True)
class RewardModel:
    """One reward model. labels: who orders the pairs; sharpen: factor on its scores after training."""

    name: str
    truth: str
    seed: int
    labels: str = "usual"
    pairs: int = 4000
    epochs: int = 2
    rate: float = 1e-3
    loss: str = "bradley_terry"
    sharpen: float = 1.0
    evaluates: bool = True
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy run of TRL's GRPO or RLOO.

    reward : which reward it trains on (policies.py)
    reference_factor : on the reference's logits
    fault : what happens at `fault_step`
    fault_size : how strong it is, 0 for the usual of its kind
    restart : step of the checkpoint from which the run goes on after it has died a little later, 0 for none
    events : whether the event files are kept, which alone hold the settings
    """

    name: str
    truth: str
    seed: int
    trainer: str = "grpo"
    beta: float = 0.2
    rate: float = 3e-4
    steps: int = 140
    proxy: str = "good"
    reward: str = "proxy"
    reward_scale: float = 1.0
    generations: int = 8
    iterations: int = 1
    log_every: int = 1
    longest: int = 32
    temperature: float = 1.0
    schedule: str = "constant_with_warmup"
    warmup: int = 10
    scaling: str = "group"
    loss_type: str = "dapo"
    other_reference: bool = False
    reference_factor: float = 1.0
    batch: int = 64
    restart: int = 0
    fault: str = ""
    fault_step: int = 0
    fault_size: float = 0.0
    records: bool = True
    events: bool = True
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ppo:
    """One run of the PPO loop beside (ppo.py). words: whose names its log uses."""

    name: str
    truth: str
    seed: int
    words: str = "verl"
    kl_coef: float = 0.1
    rate: float = 3e-4
    value_rate: float = 1e-3
    steps: int = 120
    proxy: str = "good"
    reward_scale: float = 1.0
    longest: int = 32
    epochs: int = 2
    groups: int = 1
    constant: bool = False
    fault: str = ""
    fault_step: int = 0
    records: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrlPpo:
    """One run of TRL's own PPO (trl_ppo.py).

    value : how its value model starts: as the reward model, with a random or huge head, or random and frozen
    masks_padding : whether the policy can't emit the padding mark, behind which TRL counts nothing
    fault_size : how strong the fault is, 0 for the usual of its kind
    events : whether the event files are kept, which alone hold the settings
    """

    name: str
    truth: str
    seed: int
    kl_coef: float = 0.1
    estimator: str = "k1"
    rate: float = 4e-4
    schedule: str = "linear"
    steps: int = 90
    batch: int = 48
    minibatches: int = 2
    epochs: int = 3
    proxy: str = "good"
    reward_scale: float = 1.0
    longest: int = 32
    end_penalty: float | None = None
    temperature: float = 1.0
    value: str = "reward model"
    vf_coef: float = 0.1
    other_reference: bool = False
    masks_padding: bool = True
    fault: str = ""
    fault_step: int = 0
    fault_size: float = 0.0
    records: bool = True
    events: bool = True
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preference:
    """One run of direct preference optimisation (TRL's DPOTrainer)."""

    name: str
    truth: str
    seed: int
    beta: float = 0.1
    rate: float = 2e-4
    labels: str = "usual"
    pairs: int = 3000
    epochs: int = 2
    other_reference: bool = False
    fault: str = ""
    fault_step: int = 0
    also: tuple[str, ...] = ()


Spec = RewardModel | Policy | Ppo | TrlPpo | Preference


@dataclass(frozen=True, slots=True)
class RunSet:
    """Runs that start from the same models. seeds: of the base models; proxies: reward models that policies train on."""

    seeds: dict[str, int]
    proxies: dict[str, RewardModel]
    specs: tuple[Spec, ...]


SEEDS = {"base": 101, "other": 102}
"""Seeds of the two base models."""

PROXIES: dict[str, RewardModel] = {
    "good": RewardModel("good", "healthy", 301, labels="gold", pairs=10_000),
    "weak": RewardModel("weak", "healthy", 302, pairs=1200, labels="noisy"),
    "long": RewardModel("long", "healthy", 303, pairs=5000, labels="length_liked"),
}
"""Reward models that policies train on."""

RUNAWAY = ("reward_hacking", "entropy_collapse", "kl_runaway")
"""What a careful expert may also say of a policy that is free to leave its reference."""

SPECS: tuple[Spec, ...] = (
    Policy("p01", "healthy", 201),
    Policy("p02", "length_hacking", 202, proxy="long", beta=0.03, rate=6e-4, also=("reward_hacking",)),
    RewardModel("m01", "healthy", 311),
    RewardModel("m02", "rm_label_noise", 312, labels="noise"),
    Policy("p03", "truncation", 203, longest=6, also=("length_hacking",)),
    Policy("p04", "zero_signal_groups", 204, reward="constant", also=("no_learning",)),
    Ppo("o01", "healthy", 401, words="verl"),
    Ppo("o02", "lr_too_high", 402, words="openrlhf", rate=8e-3, value_rate=8e-3, also=("kl_runaway", "entropy_collapse")),
    Policy("p05", "policy_reference_mismatch", 205, other_reference=True),
    Policy("p06", "mid_run_fault", 206, trainer="rloo", beta=0.05, fault="negate", fault_step=90, also=()),
    Preference("d01", "healthy", 501),
    RewardModel("m03", "rm_inverted_labels", 313, labels="inverted"),
    RewardModel("m04", "rm_length_bias", 314, labels="length"),
    Policy("p07", "healthy", 207, trainer="rloo", beta=0.05),
    Policy("p08", "lr_too_high", 208, trainer="rloo", beta=0.05, rate=1e-2, also=("kl_runaway", "entropy_collapse", "numeric_divergence")),
    Policy("p09", "no_learning", 209, rate=0.0, also=()),
    Policy("p10", "kl_too_strong", 210, beta=15.0, also=("no_learning", "reward_scale_mismatch")),
    Policy("p11", "reward_hacking", 211, proxy="weak", beta=0.0, rate=1e-3, steps=200, also=("entropy_collapse", "kl_runaway")),
    Policy("p12", "mid_run_fault", 212, fault="rate", fault_step=80, also=("lr_too_high",)),
    RewardModel("m05", "rm_overfit", 315, pairs=250, epochs=40, also=("rm_miscalibrated",)),
    RewardModel("m06", "rm_subset_corrupted", 316, labels="garden"),
    Ppo("o03", "reward_scale_mismatch", 403, words="csv", reward_scale=15.0, also=("reward_hacking", "kl_runaway", "value_failure")),
    Ppo("o04", "value_failure", 404, words="verl", value_rate=0.3),
    Policy("p13", "healthy", 213, beta=0.4, rate=5e-4, generations=4, log_every=5),
    Policy("p14", "numeric_divergence", 214, fault="nan_reward", fault_step=80, also=("mid_run_fault", "zero_signal_groups", "no_learning")),
    Policy("p15", "numeric_divergence", 215, trainer="rloo", beta=0.05, fault="nan_weights", fault_step=60, also=("mid_run_fault",)),
    Policy("p16", "entropy_collapse", 216, temperature=0.6, beta=0.0, rate=1.5e-3, steps=160, also=("reward_hacking", "lr_too_high")),
    Policy("p17", "reward_scale_mismatch", 217, trainer="rloo", beta=0.1, reward_scale=15.0, also=("reward_hacking", "kl_runaway")),
    Policy("p18", "reward_scale_mismatch", 218, trainer="rloo", beta=0.1, reward_scale=1 / 20, also=("kl_too_strong", "no_learning")),
    RewardModel("m07", "healthy", 317, loss="hinge", pairs=5000),
    RewardModel("m08", "rm_style_bias", 318, labels="style"),
    Policy("p19", "reward_hacking", 219, beta=0.1, rate=2e-4, iterations=2, steps=200),
    Policy("p20", "zero_signal_groups", 220, reward="never", also=("no_learning",)),
    Ppo("o05", "healthy", 405, words="openrlhf", kl_coef=0.05),
    Ppo("o06", "mid_run_fault", 406, words="verl", fault="negate", fault_step=70, also=()),
    Ppo("o07", "reward_hacking", 407, words="openrlhf", kl_coef=0.0, proxy="weak", rate=1e-3, steps=150, also=("entropy_collapse", "kl_runaway")),
    Preference("d03", "lr_too_high", 503, rate=2e-2, also=("rm_overfit", "numeric_divergence")),
    Policy("p21", "kl_too_strong", 221, trainer="rloo", beta=3.0, also=("no_learning", "reward_scale_mismatch")),
    Policy("p22", "healthy", 222, trainer="rloo", beta=0.1, rate=5e-4, generations=4, log_every=5, records=False),
    Policy("p23", "length_hacking", 223, trainer="rloo", proxy="long", beta=0.01, rate=5e-4, records=False, also=("reward_hacking",)),
    Policy("p24", "mid_run_fault", 224, fault="replaced", fault_step=70, also=("length_hacking", "reward_hacking")),
    Policy("p25", "lr_too_high", 225, beta=0.1, rate=6e-3, log_every=5, also=("kl_runaway", "entropy_collapse", "numeric_divergence")),
    Policy("p26", "truncation", 226, trainer="rloo", beta=0.05, longest=8, records=False, also=("length_hacking",)),
    Policy("p27", "policy_reference_mismatch", 227, trainer="rloo", beta=0.05, other_reference=True, records=False),
    RewardModel("m09", "rm_miscalibrated", 319, sharpen=8.0, evaluates=False),
    RewardModel("m10", "rm_no_learning", 320, rate=1e-7, also=("rm_label_noise",)),
    RewardModel("m11", "healthy", 321, pairs=8000, rate=5e-4, epochs=1),
    Ppo("o08", "no_learning", 408, words="verl", rate=0.0, also=()),
    Ppo("o09", "zero_signal_groups", 409, words="verl", groups=8, constant=True, also=("no_learning",)),
    Ppo("o10", "healthy", 410, words="verl", groups=8, kl_coef=0.05),
    Ppo("o11", "mid_run_fault", 411, words="csv", fault="rate", fault_step=60, also=("lr_too_high",)),
    Ppo("o12", "kl_too_strong", 412, words="verl", kl_coef=5.0, also=("no_learning", "reward_scale_mismatch")),
    Preference("d04", "rm_overfit", 504, pairs=200, epochs=40, rate=5e-4, also=("preference_overfit", "rm_miscalibrated")),
    Preference("d05", "healthy", 505, beta=0.3, rate=1e-4),
    Preference("d06", "rm_label_noise", 506, labels="noise"),
    Policy("p28", "healthy", 228, beta=0.3, rate=6e-4, schedule="linear", warmup=0, scaling="none"),
    Policy("p29", "reward_hacking", 229, trainer="rloo", proxy="weak", beta=0.003, rate=1e-3, steps=200, also=("entropy_collapse", "kl_runaway")),
    Policy("p30", "no_learning", 230, trainer="rloo", beta=0.05, rate=1e-8, records=False, also=()),
    Policy("p31", "reward_hacking", 231, proxy="weak", beta=0.0, rate=1e-3, steps=200, records=False, also=("entropy_collapse", "kl_runaway")),
)  # fmt: skip

FIRST = RunSet(SEEDS, PROXIES, SPECS)
