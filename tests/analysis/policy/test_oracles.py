"""Worked numbers of the reference file, to the digit, where it is at hand; the same numbers stand in each file's own tests."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from analysis import bon_kl
from analysis.policy import advantages, controller, gao, kl, optimum, ppo
from analysis.policy.separation import separation_index
from tests.conftest import shared

Numbers = dict[str, Any]


def logs(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).log()


def gauss(given: Numbers) -> Numbers:
    x = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
    weight = torch.exp(-((x - given["mu"]) ** 2) / 2) / math.sqrt(2 * math.pi) * (x[1] - x[0])
    found: Numbers = {"kl": (weight * ((x**2) - (x - given["mu"]) ** 2) / 2).sum().item()}
    for kind in kl.ESTIMATORS:
        values = kl.estimate(kind, -((x - given["mu"]) ** 2) / 2, -(x**2) / 2)
        mean = (weight * values).sum().item()
        found |= {f"{kind}_mean": mean, f"{kind}_sd": math.sqrt((weight * values**2).sum().item() - mean**2)}
    return found


def categorical(given: Numbers) -> Numbers:
    pi, ref = logs(given["pi"]), logs(given["ref"])
    each = {kind: kl.estimate(kind, pi, ref) for kind in kl.ESTIMATORS}
    return {
        **{kind: values.tolist() for kind, values in each.items()},
        **{f"E_{kind}": (pi.exp() * each[kind]).sum().item() for kind in ("k2", "k3")},
        "kl": kl.exact(pi, ref).item(),
        "reverse_direction_kl": kl.exact(ref, pi).item(),
    }


def batch(given: Numbers) -> Numbers:
    tokens = torch.tensor(given["tokens"])
    pi, ref = logs([0.7, 0.2, 0.1])[tokens], logs([0.5, 0.3, 0.2])[tokens]
    return {kind: kl.estimate(kind, pi, ref).mean().item() for kind in kl.ESTIMATORS}


def gradients(given: Numbers) -> Numbers:
    pi, ref = logs(given["pi"]), logs(given["ref"])
    found = {}
    for name, kind in {"true_reverse_kl": None, "k1_loss": "k1", "k2_loss": "k2", "k3_loss": "k3"}.items():
        logits = pi.clone().requires_grad_()
        now = logits.log_softmax(-1)
        loss = kl.exact(logits, ref) if kind is None else (pi.exp() * kl.estimate(kind, now, ref)).sum()
        found[name] = torch.autograd.grad(loss, logits)[0].tolist()
    return found


def mismatch(given: Numbers) -> Numbers:
    one, two = (torch.tensor(given[k], dtype=torch.float64) for k in ("logp_gen", "logp_policy"))
    return {"gen_kl_k3": kl.estimate("k3", one, two).item(), "policy_kl_k3": kl.estimate("k3", two, one).item()}


def clip(given: Numbers) -> Numbers:
    found = ppo.clipping(given["logp_old"], given["logp_new"], given["adv"], given["eps"])
    old, new = (torch.tensor(given[k], dtype=torch.float64) for k in ("logp_old", "logp_new"))
    return {
        "ratio": found.ratio.tolist(),
        **{kind: kl.estimate(kind, old, new).mean().item() for kind in kl.ESTIMATORS},
        "clipfrac_ratio_outside": found.outside,
        "clipfrac_binding": found.binding,
        "policy_loss": found.loss,
    }


def explained_variance(given: Numbers) -> Numbers:
    y, predicted = np.array(given["y"]), np.array(given["yhat"])
    shifted = ppo.value_fit(y, y + 10)
    return {
        "ev": ppo.value_fit(y, predicted).explained_variance,
        "ev_if_yhat_is_y_plus_10": shifted.explained_variance,
        "r2_if_yhat_is_y_plus_10": shifted.r2,
        "ev_if_constant_prediction": ppo.value_fit(y, np.ones(4)).explained_variance,
        "ev_if_yhat_is_minus_y": ppo.value_fit(y, -y).explained_variance,
    }


def whiten(given: Numbers) -> Numbers:
    x = given["x"]
    return {
        "population": ppo.whiten(x).tolist(),
        "unbiased": ppo.whiten(x, ddof=1).tolist(),
        "population_mean_kept": ppo.whiten(x, shift_mean=False).tolist(),
    }


def curve(form: gao.BestOfN | gao.Reinforcement) -> Numbers:
    return {"d_star": form.peak, "kl_star": form.peak**2, "R_star": form.height, "zero_at_d": form.zero}


def best_of_n(given: Numbers) -> Numbers:
    form = gao.BestOfN(given["alpha"], given["beta"])
    return {**curve(form), "n_star": gao.n_at(form.peak)}


def reinforcement(given: Numbers) -> Numbers:
    form = gao.Reinforcement(given["alpha"], given["beta"])
    return {**curve(form), "R_at_2": float(form.at(2.0)), "R_at_1": float(form.at(1.0))}


def group_advantage(given: Numbers) -> Numbers:
    rewards = [given["rewards"]]
    population, sample = (advantages.grpo(rewards, ddof=d, eps=0)[0] for d in (0, 1))
    return {"population_std": [population[0], population[-1]], "sample_std": [sample[0], sample[-1]]}


def effective_sample(given: Numbers) -> Numbers:
    found = advantages.effective_sample(given["dlogp"])
    return {"ess": found.size, "fraction": found.share}


def adaptive(given: Numbers) -> Numbers:
    args = (given["target"], given["n"], given["horizon"])
    return {"beta_next": controller.next_coefficient(given["beta"], given["kl"], *args).tolist()}


def tilted(given: Numbers) -> Numbers:
    found = [optimum.gaussian(s, b) for s, b in zip(given["s"], given["beta"], strict=True)]
    return {"kl": [f.kl for f in found], "gain": [f.gain for f in found]}


COMPUTED: dict[str, Callable[[Numbers], Numbers]] = {
    "kl.gauss": gauss,
    "kl.categorical": categorical,
    "kl.batch": batch,
    "kl.loss_gradients": gradients,
    "kl.mismatch_example": mismatch,
    "bon.kl_bound": lambda g: {"kl": bon_kl.bound(g["n"]).tolist()},
    "bon.kl_binary": lambda g: {"kl": [bon_kl.of_binary(n) for n in g["n"]]},
    "bon.kl_uniform_alphabet": lambda g: {
        "kl": [[bon_kl.of_outcomes([1 / size] * size, n) for n in g["n"]] for size in g["L"]]
    },
    "bon.kl_beirami": lambda g: {"kl": [bon_kl.from_selected(p, n) for p, n in g["cases"]]},
    "gao.bon": best_of_n,
    "gao.rl": reinforcement,
    "ppo.clip": clip,
    "ppo.explained_variance": explained_variance,
    "ppo.adaptive_kl": adaptive,
    "ppo.whiten": whiten,
    "grpo.advantage": group_advantage,
    "grpo.zero_variance_expected": lambda g: {
        "prob": [float(advantages.zero_variance_share(p, size)) for p, size in g["cases"]]
    },
    "grpo.ess": effective_sample,
    "rl.gaussian_optimum": tilted,
    "hack.csi": lambda g: {"csi": separation_index(g["sizes"], g["dist"])},
}


def oracles() -> list[Numbers]:
    return json.loads((shared("reference") / "oracles.json").read_text())["oracles"]


def test_every_worked_number_of_policies_is_computed():
    groups = {"kl", "bon", "gao", "ppo", "grpo", "rl", "hack"}
    assert {o["id"] for o in oracles() if o["id"].split(".")[0] in groups} == set(COMPUTED)


@pytest.mark.parametrize("name", COMPUTED)
def test_worked_number(name):
    one = next(o for o in oracles() if o["id"] == name)
    found = COMPUTED[name](one["input"])
    assert found.keys() == one["expected"].keys()
    for key, value in one["expected"].items():
        assert np.asarray(found[key]) == pytest.approx(np.asarray(value), rel=0, abs=one["abs_tol"]), key
