"""Every kind's way from samples to figures, so that a file's numbers can be computed again."""

from collections.abc import Callable, Mapping
from typing import Any

from faceage_benchmarks.age_figures import age_figures
from faceage_benchmarks.arm.figures import arm_figures
from faceage_benchmarks.clip_ages import clip_figures
from faceage_benchmarks.compare import change_figures
from faceage_benchmarks.conversion import conversion_figures
from faceage_benchmarks.detection_figures import detection_figures
from faceage_benchmarks.endurance_figures import endurance_figures
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.footprint import footprint_figures
from faceage_benchmarks.freshness_figures import freshness_figures
from faceage_benchmarks.fuzzing import fuzz_figures
from faceage_benchmarks.loop_cost_figures import loop_cost_figures
from faceage_benchmarks.loop_figures import loop_figures
from faceage_benchmarks.peer_figures import peer_figures
from faceage_benchmarks.threshold_figures import threshold_figures
from faceage_benchmarks.timings import latency_figures

__all__ = ["FIGURES", "recompute"]

Figures = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]

FIGURES: dict[str, Figures] = {
    "accuracy": age_figures,
    "latency": latency_figures,
    "threshold": threshold_figures,
    "loop": loop_figures,
    "detection": detection_figures,
    "demo": clip_figures,
    "arm": arm_figures,
    "peers": peer_figures,
    "compare": change_figures,
    "convert": conversion_figures,
    "footprint": footprint_figures,
    "loop-cost": loop_cost_figures,
    "freshness": freshness_figures,
    "endurance": endurance_figures,
    "fuzz": fuzz_figures,
}


def recompute(result: Mapping[str, Any]) -> dict[str, Any]:
    """Compute a result's figures again from the samples that it holds.

    Args:
        result: as read by result.read_result.

    Returns:
        The keys of the file that are figures, with the same values.

    Raises:
        ResultFileError: a kind that this version cannot compute.
        SamplesError: the samples do not fit together.
    """
    compute = FIGURES.get(result["kind"])
    if compute is None:
        raise ResultFileError(
            f"this version computes {', '.join(FIGURES)}, not a result of kind {result['kind']!r}"
        )
    return compute(result["samples"], result["bootstrap"])
