"""What the counts of a run on emulated processors say."""

from collections.abc import Mapping
from typing import Any

__all__ = ["arm_figures"]


def arm_figures(samples: Mapping[str, Any], _bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Sum counts up; they repeat exactly, so there is no interval to draw.

    Args:
        samples: `counts`: {processor: {name: {class: executed instructions}}}.
        _bootstrap: as the result file states it; unused.

    Returns:
        `processors`: {processor: {name: {instructions, dot_share}}}.
    """
    return {
        "processors": {
            processor: {
                name: {
                    "instructions": counts["all"],
                    "dot_share": round(counts["dot"] / max(counts["all"], 1), 4),
                }
                for name, counts in named.items()
            }
            for processor, named in samples["counts"].items()
        }
    }
