"""Split a set by people, so that nobody is in two parts.

By a digest of the name: it says nothing about the face, and whoever has the set has the same parts.
"""

import hashlib

from faceage_calibration.digest_split import PARTS

__all__ = ["part_of"]

# Of a hundred people.
_TEST, _CHOICE = 15, 15


def part_of(person: str) -> str:
    """Say which part a person is in: `test` or `choice` for 15 of 100 people each, else `train`.

    Args:
        person: whatever the set calls them; upper and lower case are alike.
    """
    train, choice, test = PARTS
    number = int(hashlib.sha256(person.casefold().encode()).hexdigest()[:8], 16) % 100
    if number < _TEST:
        return test
    return choice if number < _TEST + _CHOICE else train
