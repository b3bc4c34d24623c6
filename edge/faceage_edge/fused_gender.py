"""What a model says of one person's gender, from many pictures of the same face."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["FusedGender"]


@dataclass(frozen=True)
class FusedGender:
    """The weighted mean of the shares that a track's crops gave each label."""

    weight: float = 0.0
    weighted: dict[str, float] = field(default_factory=dict)

    def add(self, shares: Mapping[str, float], quality: float) -> "FusedGender":
        """Take in one more reading.

        Args:
            shares: by label, together 1.
            quality: the crop's worth, above 0; see `tracking.quality`.

        Returns:
            The new one; the old one is unchanged.
        """
        weighted = {
            label: self.weighted.get(label, 0.0) + quality * share
            for label, share in shares.items()
        }
        return FusedGender(self.weight + quality, weighted)

    def likeliest(self) -> tuple[str, float] | None:
        """The label with the largest share, and that share, 0 to 1; None where nothing was added.

        Of equals the one that the contract names first.
        """
        if not self.weighted:
            return None
        label = max(self.weighted, key=lambda one: self.weighted[one])
        return label, self.weighted[label] / self.weight
