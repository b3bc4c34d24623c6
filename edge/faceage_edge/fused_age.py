"""One person's age from many pictures of the same face."""

from dataclasses import dataclass, replace

__all__ = ["AgeReading", "FusedAge"]


@dataclass(frozen=True)
class AgeReading:
    """The age one crop gave: years, and the ends of its conformal interval where there is one."""

    years: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class FusedAge:
    """The weighted mean of a track's readings, with the interval of the best of them.

    The interval does not shrink as readings add up. Errors of an age model come mostly from the
    person, who looks older or younger than they are in every frame; averaging removes the
    frames' own noise and leaves that error whole. Divided by the square root of 16 readings, a
    90 % interval would hold a third of the true ages.
    """

    weight: float = 0.0
    weighted_years: float = 0.0
    best_quality: float = 0.0
    best: AgeReading | None = None

    def add(self, reading: AgeReading, quality: float) -> "FusedAge":
        """Take in one more reading.

        Args:
            reading: what the model said of one crop.
            quality: the crop's worth, above 0; see `tracking.quality`.

        Returns:
            The new fused age; the old one is unchanged.
        """
        better = self.best is None or quality > self.best_quality
        return replace(
            self,
            weight=self.weight + quality,
            weighted_years=self.weighted_years + quality * reading.years,
            best_quality=quality if better else self.best_quality,
            best=reading if better else self.best,
        )

    def reading(self) -> AgeReading:
        """The fused age in years, and the best crop's interval moved along with it.

        Nobody is younger than 0, so the lower end stops there; an end that stopped there in
        the best crop's own interval stays, since how far below it would have been is not known.

        Raises:
            ValueError: nothing was added.
        """
        if self.best is None:
            raise ValueError("no reading was added to this age")
        years = self.weighted_years / self.weight
        if self.best.low is None or self.best.high is None:
            return AgeReading(years)
        shift = years - self.best.years
        low = max(self.best.low + shift, 0.0) if self.best.low > 0 else 0.0
        return AgeReading(years, low, self.best.high + shift)
