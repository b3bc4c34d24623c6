"""Try one recipe after the other until the gate lets one through.

Everything in int8 first. Where that costs too much, it is refined: channels are equalised, then
rounding is fitted, which costs a device nothing. Then the layers whose own noise is largest are
kept in float32, which XNNPACK runs in the same piece; then all activations in int16, which no
XNNPACK kernel runs. A Coral runs int8 only, so for it the last rungs are not tried.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceage_convert.compare import Comparison
from faceage_convert.conversion import Converted
from faceage_convert.embed import without_contract
from faceage_convert.gate import Verdict
from faceage_convert.layers import LayerNoise, layers_around
from faceage_convert.recipes import INT8, Recipe, refined_name
from faceage_convert.runnable import runnable_model
from faceage_edge.errors import QualityGateError
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.model import Model
from faceage_models.float_source import FloatSource
from faceage_models.tflite_partitions import xnnpack_partitions

__all__ = ["REFINED", "Attempt", "Climbed", "Rung", "climb", "cost_of", "milliseconds"]

Years = npt.NDArray[np.float64]

# What is done to an int8 file that costs too much, rung by rung.
REFINED = (("equalise",), ("equalise", "round"))
# How many of the noisiest results are kept finer, rung by rung.
_WORST = (2, 6)
_TIMED = 5


@dataclass(frozen=True)
class Attempt:
    """One conversion that was measured: the file, its ages of the evaluation faces (None without
    any), what they tell, and the gate's verdict (None where ages are not known)."""

    converted: Converted
    after: Years | None = None
    comparison: Comparison | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Rung:
    """One recipe that was tried, or not: `refused` says why. `refine` and `kept` are the recipe's.

    `milliseconds` is the median of one crop on this machine with XNNPACK on one thread, `left_out`
    how many operators XNNPACK leaves to built-in kernels.
    """

    scheme: str
    kept: tuple[str, ...] = ()
    size_bytes: int | None = None
    milliseconds: float | None = None
    left_out: int | None = None
    mae: float | None = None
    verdict: Verdict | None = None
    refused: str | None = None
    refine: tuple[str, ...] = ()


@dataclass(frozen=True)
class Climbed:
    """The attempt that was taken, its recipe, and every rung up to it."""

    attempt: Attempt
    recipe: Recipe
    rungs: tuple[Rung, ...]
    noise: tuple[LayerNoise, ...]


def climb(
    source: FloatSource,
    recipe: Recipe,
    target: str,
    attempt: Callable[[Recipe], Attempt],
    noise_of: Callable[[Converted], tuple[LayerNoise, ...]],
    refined: Sequence[tuple[str, ...]] = (),
) -> Climbed:
    """Try recipes until one is not failed by the gate.

    Args:
        source: the float model.
        recipe: the first to try; only int8 has others behind it.
        target: `cpu` or `coral`.
        attempt: converts and measures by a recipe.
        noise_of: per-layer noise of a converted file.
        refined: ways to refine an int8 file that `attempt` can take.

    Returns:
        The first attempt that passed or is undecided.

    Raises:
        QualityGateError: every one failed; the message lists them with their figures.
    """
    first = attempt(recipe)
    noise = noise_of(first.converted)
    rungs = [_rung(first, recipe)]
    taken, by = first, recipe
    for finer in _finer(source, recipe, noise, refined):
        if taken.verdict is None or taken.verdict.verdict != "fail":
            break
        if target == "coral" and finer.name != INT8.name:
            rungs.append(Rung(finer.name, finer.kept, refused="the Edge TPU runs int8 only"))
            continue
        taken, by = attempt(finer), finer
        rungs.append(_rung(taken, finer))
    if taken.verdict is not None and taken.verdict.verdict == "fail":
        raise QualityGateError(_all_failed(source, rungs))
    return Climbed(taken, by, tuple(rungs), noise)


def _finer(
    source: FloatSource,
    recipe: Recipe,
    noise: Sequence[LayerNoise],
    refined: Sequence[tuple[str, ...]],
) -> Iterator[Recipe]:
    if recipe.name != INT8.name:
        return
    # What was asked for already does more than the rungs before it.
    tried = refined.index(recipe.refine) + 1 if recipe.refine in refined else 0
    for refine in refined[tried:]:
        yield Recipe("int8", refine=refine)
    graph = read_model_file(source.data, str(source.path))
    ranked = sorted(noise, key=lambda layer: -layer.added)
    seen: set[tuple[str, ...]] = set()
    for count in _WORST:
        kept = layers_around(graph, [layer.name for layer in ranked[:count] if layer.added > 0])
        # All layers in float32 would be no conversion.
        if kept and kept not in seen and len(kept) < len(graph.operators):
            seen.add(kept)
            yield Recipe("int8", kept, "float32")
    yield Recipe("int16x8")


def _rung(attempt: Attempt, recipe: Recipe) -> Rung:
    converted = attempt.converted
    time_ms, left_out = cost_of(converted)
    return Rung(
        scheme=converted.contract.scheme,
        kept=recipe.kept,
        # As it will be written: the quantizer repeats zero points that are alike.
        size_bytes=len(without_contract(converted.data)),
        milliseconds=time_ms,
        left_out=left_out,
        mae=None if attempt.comparison is None else attempt.comparison.mae_int8,
        verdict=attempt.verdict,
        refine=recipe.refine,
    )


def cost_of(converted: Converted) -> tuple[float, int]:
    """Milliseconds of one crop on this machine, and how many operators XNNPACK leaves out."""

    partitions = xnnpack_partitions(converted.data, converted.file_name)
    return milliseconds(runnable_model(converted)), len(partitions.left_out)


def milliseconds(model: Model) -> float:
    """Median time of one crop, one thread; of five, after one that warms up."""
    size = model.contract.input
    crop = np.zeros((1, size.height, size.width, 3), np.uint8)
    times = []
    for _ in range(_TIMED + 1):
        started = time.perf_counter()
        model.run(crop)
        times.append(time.perf_counter() - started)
    return float(np.median(times[1:]) * 1000)


def _all_failed(source: FloatSource, rungs: Sequence[Rung]) -> str:
    tried = "; ".join(
        f"{refined_name(rung.scheme, rung.refine)}: "
        f"{rung.refused or (rung.verdict.reason if rung.verdict else '')}"
        for rung in rungs
    )
    return (
        f"no conversion of {source.path} is good enough, and nothing was written: {tried}. Look at "
        "the calibration faces first (are they like those it will see?), then allow more with "
        "--max-drop and --max-band-drop, or train the model for int8 with faceage-train --qat"
    )
