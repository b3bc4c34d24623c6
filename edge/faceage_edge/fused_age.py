"""One person's age from many pictures of the same face."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["AgeReading", "FusedAge"]

# What the readings of one face usually differ by from frame to frame, in years: between the half of
# a year of a face that fills the crop and the eight of a small or blurred one. It counts as one
# reading more, so that two that happen to agree do not make an age certain.
_USUAL = 2.0


@dataclass(frozen=True)
class AgeReading:
    """The age one crop gave: years, and the ends of its conformal interval where there is one; and
    the share of each gender, by label, where that is wanted of a model that says it."""

    years: float
    low: float | None = None
    high: float | None = None
    genders: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FusedAge:
    """The weighted mean of a track's readings, with the interval of the best of them.

    Every reading counts, a better crop's for more. The few best ones alone would be crops of one
    moment, alike in pose and light, and their mean strays by years from that of all.

    The interval does not shrink as readings add up. Errors of an age model come mostly from the
    person, who looks older or younger than they are in every frame; averaging removes the frames'
    own noise and leaves that error whole. Divided by the square root of 16 readings, a 90 %
    interval would hold a third of the true ages.
    """

    weight: float = 0.0
    weighted_years: float = 0.0
    weighted_squares: float = 0.0
    best_quality: float = 0.0
    best: AgeReading | None = None
    readings: int = 0

    def worth(self, quality: float) -> float:
        """By how many years one more reading would move the age.

        What readings of this face differ by, times the share that the new one would have in their
        mean: much for a face whose readings are few or scattered, or for a crop far better than
        those before; little for one more of many that agree.

        Args:
            quality: of a crop, as for `add`.
        """
        spread = 0.0 if self.jitter is None else self.jitter
        deviation = math.sqrt((_USUAL**2 + self.readings * spread**2) / (1 + self.readings))
        return deviation * quality / (self.weight + quality)

    def add(self, reading: AgeReading, quality: float) -> "FusedAge":
        """Take in one more reading.

        Args:
            reading: what the model said of one crop.
            quality: the crop's worth, above 0; see `tracking.quality`.

        Returns:
            The new fused age; the old one is unchanged.
        """
        better = self.best is None or quality > self.best_quality
        return FusedAge(
            weight=self.weight + quality,
            weighted_years=self.weighted_years + quality * reading.years,
            weighted_squares=self.weighted_squares + quality * reading.years**2,
            best_quality=quality if better else self.best_quality,
            best=reading if better else self.best,
            readings=self.readings + 1,
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
