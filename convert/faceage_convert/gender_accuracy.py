"""How often float and converted model tell the labelled gender."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faceage_calibration.gender_told import gender_told
from faceage_calibration.labels import Label

__all__ = ["GenderAccuracy", "gender_accuracy", "gender_lines"]


@dataclass(frozen=True)
class GenderAccuracy:
    """Shares, 0 to 1, of the n faces whose label is one of the model's: told right by the float
    and by the converted model, told alike by both, and of the commonest label."""

    n: int
    float32: float
    int8: float
    alike: float
    majority: float


def gender_accuracy(
    before: Sequence[Mapping[str, float]],
    after: Sequence[Mapping[str, float]],
    labels: Sequence[Label],
) -> GenderAccuracy | None:
    """Compare what two models say of the same faces' gender.

    Args:
        before: by the float model, for each of n faces the share of each label; empty for a model
            that says none.
        after: by the converted one.
        labels: of the n faces.

    Returns:
        None where the models say none, or no face's label is one that they tell.
    """
    if not before:
        return None
    said = [[_likeliest(one) for one in shares] for shares in (before, after)]
    found = gender_told([label.gender for label in labels], before[0].keys(), *said)
    if found is None:
        return None
    (right, right_after), (told, told_after) = found.right, found.told
    return GenderAccuracy(
        n=found.n,
        float32=float(right.mean()),
        int8=float(right_after.mean()),
        alike=float((told == told_after).mean()),
        majority=found.majority,
    )


def gender_lines(comparison: Mapping[str, Any], scheme: str) -> list[str]:
    """What the report of a comparison says of gender, as Markdown; none where nothing is known."""
    figures = comparison.get("gender")
    if figures is None:
        return []
    return [
        f"- gender told right: float {figures['float32']:.1%}, {scheme} {figures['int8']:.1%} of "
        f"the {figures['n']:,} faces whose label says one (always the commonest: "
        f"{figures['majority']:.1%}; both alike on {figures['alike']:.1%})"
    ]


def _likeliest(shares: Mapping[str, float]) -> str:
    return max(shares, key=lambda label: shares[label])
