"""What the counts of a run on emulated processors say."""

from collections.abc import Mapping
from typing import Any

__all__ = ["MACS_PER_SDOT", "arm_figures"]

# An sdot instruction multiplies and adds sixteen pairs of bytes (Arm ARM, SDOT (vector)): a graph's
# multiply-adds over sixteen is what no code with these instructions can go below.
MACS_PER_SDOT = 16
_INT8, _FLOAT = "-int8", "-float32"


def arm_figures(samples: Mapping[str, Any], _bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Sum counts up; they repeat exactly, so there is no interval to draw.

    Args:
        samples: `counts`: {processor: {name: {class: executed instructions}}}, and
            `multiply_adds`: {name: of one invoke}, which older files lack.
        _bootstrap: as the result file states it; unused.

    Returns:
        `processors`: {processor: {name: {instructions, dot_share}}}; of an int8 model whose
        multiply-adds are known also `floor`, those over MACS_PER_SDOT, and `times_floor`; where
        the float form was counted too `of_float`, int8's instructions over float's.
    """
    macs = samples.get("multiply_adds", {})
    return {
        "processors": {
            processor: {name: _cost(name, named, macs) for name in named}
            for processor, named in samples["counts"].items()
        }
    }


def _cost(
    name: str, named: Mapping[str, Mapping[str, int]], macs: Mapping[str, int]
) -> dict[str, Any]:
    counts = named[name]
    cost: dict[str, Any] = {
        "instructions": counts["all"],
        "dot_share": round(counts["dot"] / max(counts["all"], 1), 4),
    }
    if not name.endswith(_INT8):
        return cost
    if name in macs:
        cost["floor"] = macs[name] // MACS_PER_SDOT
        cost["times_floor"] = round(counts["all"] / max(cost["floor"], 1), 3)
    other = named.get(name.removesuffix(_INT8) + _FLOAT)
    if other is not None:
        cost["of_float"] = round(counts["all"] / other["all"], 4)
    return cost
