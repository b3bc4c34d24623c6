"""How often models tell the gender that labels say: the one count behind every figure of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["GenderTold", "gender_told"]


@dataclass(frozen=True)
class GenderTold:
    """The n faces whose label is one that the models tell apart.

    `right` holds for each model whether it told each of them right, bool (n,); `told` what it told,
    n words; `majority` is the share of the commonest label among them, 0 to 1.
    """

    told: tuple[NDArray[np.str_], ...]
    right: tuple[NDArray[np.bool_], ...]
    majority: float

    @property
    def n(self) -> int:
        """How many faces."""
        return int(self.right[0].size)


def gender_told(
    labels: Sequence[str | None], known: Collection[str], *told: Sequence[str]
) -> GenderTold | None:
    """Hold what models told against the labels.

    Args:
        labels: of m faces, None where a face has none.
        known: what the models tell apart.
        told: by each model, m of these; one model at least.

    Returns:
        None where no face's label is one of `known`.
    """
    counted = np.array([label in known for label in labels], np.bool_)
    if not counted.any():
        return None
    wanted = np.array([label or "" for label in labels])[counted]
    own = tuple(np.array(one)[counted] for one in told)
    return GenderTold(
        told=own,
        right=tuple(np.asarray(one == wanted) for one in own),
        majority=float(np.unique(wanted, return_counts=True)[1].max() / wanted.size),
    )
