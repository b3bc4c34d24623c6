"""How often float and converted model tell the labelled gender."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    told = [
        (_likeliest(one), _likeliest(other), label.gender)
        for one, other, label in zip(before, after, labels[: len(before)], strict=True)
        if label.gender in one
    ]
    if not told:
        return None
    wanted = [label for _, _, label in told]
    count = len(told)
    return GenderAccuracy(
        n=count,
        float32=sum(one == label for one, _, label in told) / count,
        int8=sum(other == label for _, other, label in told) / count,
        alike=sum(one == other for one, other, _ in told) / count,
        majority=max(map(wanted.count, set(wanted))) / count,
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
