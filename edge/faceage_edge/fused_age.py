"""One person's age from many pictures of the same face."""

import math
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

    With `keep` it is the mean of the so many best readings only: a crop that is better than one
    of them takes its place. The interval does not shrink as readings add up. Errors of an age
    model come mostly from the person, who looks older or younger than they are in every frame;
    averaging removes the frames' own noise and leaves that error whole. Divided by the square
    root of 16 readings, a 90 % interval would hold a third of the true ages.
    """

    keep: int | None = None
    weight: float = 0.0
    weighted_years: float = 0.0
    weighted_squares: float = 0.0
    best_quality: float = 0.0
    best: AgeReading | None = None
    # Quality and years of the best readings, the best first; empty without `keep`.
    kept: tuple[tuple[float, float], ...] = ()
    readings: int = 0

    def wants(self, quality: float) -> bool:
        """Whether a crop of this quality would change the age.

        Args:
            quality: of a crop, as for `add`.
        """
        return self.keep is None or len(self.kept) < self.keep or quality > self.kept[-1][0]

    def add(self, reading: AgeReading, quality: float) -> "FusedAge":
        """Take in one more reading.

        Args:
            reading: what the model said of one crop.
            quality: the crop's worth, above 0; see `tracking.quality`.

        Returns:
            The new fused age; the old one is unchanged.
        """
        better = self.best is None or quality > self.best_quality
        added = replace(
            self,
            best_quality=quality if better else self.best_quality,
            best=reading if better else self.best,
            readings=self.readings + 1,
        )
        if self.keep is None:
            return replace(
                added,
                weight=self.weight + quality,
                weighted_years=self.weighted_years + quality * reading.years,
                weighted_squares=self.weighted_squares + quality * reading.years**2,
            )
        # Sorted by quality alone and stably: of equals the earlier one stays.
        ranked = sorted((*self.kept, (quality, reading.years)), key=lambda one: -one[0])
        kept = tuple(ranked[: self.keep])
        return replace(
            added,
            kept=kept,
            weight=sum(worth for worth, _ in kept),
            weighted_years=sum(worth * years for worth, years in kept),
            weighted_squares=sum(worth * years**2 for worth, years in kept),
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

    @property
    def jitter(self) -> float | None:
        """By how much the readings differ, their weighted standard deviation in years.

        The noise of frames, which says nothing of how far the age itself is off; None below two
        readings.
        """
        if self.readings < 2 or self.weight <= 0:
            return None
        mean = self.weighted_years / self.weight
        return math.sqrt(max(self.weighted_squares / self.weight - mean**2, 0.0))
