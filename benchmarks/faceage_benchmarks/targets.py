"""Targets of an age model: a bound on a figure of a result file, and whether it is reached.

A target is an object with

target    what is wanted, in words, for the table
of        which result it is about: "result" (exact ages) or "fairface" (bins)
key       the figure: dots descend, whole numbers index lists, `*` stands for every entry of a
          list that has at least 100 faces (all of them must reach the bound)
at_most   or `at_least`: the bound, in the figure's own unit
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceage_benchmarks.age_groups import FEWEST
from faceage_benchmarks.errors import ResultFileError

__all__ = ["Judged", "Target", "judge", "read_targets"]


@dataclass(frozen=True)
class Target:
    """A bound on a figure; `at_most` tells an upper from a lower one. Units are the figure's."""

    target: str
    of: str
    key: str
    bound: float
    at_most: bool


@dataclass(frozen=True)
class Judged:
    """A target with the figure that is nearest to missing it, in the figure's unit."""

    target: Target
    value: float
    reached: bool


def read_targets(path: str | Path) -> list[Target]:
    """Read a file of targets, a JSON list.

    Raises:
        ResultFileError: it is missing, not JSON, or an entry is no target.
    """
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultFileError(f"cannot read the targets in {path}: {error}") from error
    if not isinstance(entries, list):
        raise ResultFileError(f"{path} holds no list of targets; expected one like [{{...}}]")
    return [_target(entry, f"target {number} of {path}") for number, entry in enumerate(entries, 1)]


def judge(targets: Sequence[Target], results: Mapping[str, Mapping[str, Any]]) -> list[Judged]:
    """Hold results against targets.

    Args:
        targets: in the order wanted.
        results: by the name that `of` uses; targets of a result that is not given are left out.

    Raises:
        ResultFileError: a result does not have the figure.
    """
    judged = []
    for target in targets:
        if target.of not in results:
            continue
        values = list(_values(results[target.of], target.key.split(".")))
        if not values or not all(isinstance(value, int | float) for value in values):
            raise ResultFileError(
                f"the {target.of} file has no number {target.key}, which the target "
                f"{target.target!r} is about; measure again with this version's "
                "faceage-benchmark accuracy, or correct the targets"
            )
        worst = max(values) if target.at_most else min(values)
        reached = worst <= target.bound if target.at_most else worst >= target.bound
        judged.append(Judged(target, float(worst), bool(reached)))
    return judged


def _target(entry: object, where: str) -> Target:
    words = ("target", "of", "key")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in words):
        raise ResultFileError(f"{where} lacks one of the texts {', '.join(words)}")
    bounds = [key for key in ("at_most", "at_least") if isinstance(entry.get(key), int | float)]
    if len(bounds) != 1 or set(entry) != {*words, *bounds}:
        raise ResultFileError(
            f"{where} has the keys {', '.join(sorted(entry))}; expected target, of, key and one "
            "number, at_most or at_least"
        )
    if entry["of"] not in ("result", "fairface"):
        raise ResultFileError(f"{where} is of {entry['of']!r}; expected result or fairface")
    bound = float(entry[bounds[0]])
    return Target(entry["target"], entry["of"], entry["key"], bound, bounds[0] == "at_most")


def _values(value: Any, steps: Sequence[str]) -> Iterator[Any]:
    """Yield what a key leads to; None where it leads nowhere."""
    if not steps:
        yield value
    elif steps[0] == "*" and isinstance(value, list):
        for entry in value:
            if not isinstance(entry, dict) or entry.get("n", FEWEST) >= FEWEST:
                yield from _values(entry, steps[1:])
    elif isinstance(value, list) and steps[0].isdigit() and int(steps[0]) < len(value):
        yield from _values(value[int(steps[0])], steps[1:])
    elif isinstance(value, dict) and steps[0] in value:
        yield from _values(value[steps[0]], steps[1:])
    else:
        yield None
