"""Rewardboard: what is wrong with a reward model, an RLHF run or a deployed model's rewards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.board import Board

__all__ = ["Board"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load `Board` on first use: importing the package alone costs nothing."""
    if name == "Board":
        from analysis.board import Board

        return Board
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
