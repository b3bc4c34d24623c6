"""Golden outputs: does this machine compute what the converter computed?

A contract carries the raw outputs of three generated pictures. Running them at start-up finds a
broken runtime, a wrong delegate or a damaged build before a wrong age reaches anyone.
"""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from faceage_edge.contract import Contract
from faceage_edge.delegates import DelegateSpec
from faceage_edge.errors import ContractError, DelegateError

__all__ = [
    "GENERATORS", "check_accelerated", "check_golden", "golden_picture", "record_golden", "sample",
]  # fmt: skip

# Enough values to catch a wrong kernel anywhere in the output, few enough for a small contract.
_SAMPLES = 64
GENERATORS = ("noise-1", "noise-2", "face")
# Kernels that round elsewhere differ by a quantum or two a layer, 4 at the end on average is far
# beyond that; outputs that are noise differ by 80, the mean distance of random bytes.
_MOST_QUANTA = 4.0
# The same for float outputs, as a share of the recorded values' own spread.
_MOST_SHARE = 0.1

_Outputs = dict[str, npt.NDArray[np.generic]]


class Runs(Protocol):
    """What is checked: a `model.Model`."""

    contract: Contract
    path: Path

    def run_raw(self, pictures: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.generic]]:
        """Run it; see `model.Model.run_raw`."""


def golden_picture(generator: str, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Make one of the three pictures with integer arithmetic only, so every machine makes it.

    Args:
        generator: `noise-1` and `noise-2` are the low bytes of a 32-bit mixing function of the
            value's index (the finaliser of MurmurHash3, Appleby 2011); `face` is a drawn one:
            ellipses for head, eyes and mouth.
        height: in pixels.
        width: in pixels.

    Returns:
        uint8 (height, width, 3), BGR.
    """
    if generator == "face":
        return _drawn_face(height, width)
    # 0x9E3779B9 is 2**32 divided by the golden ratio: far-apart starts for the two.
    start = (GENERATORS.index(generator) + 1) * 0x9E3779B9 % 2**32
    value = np.arange(height * width * 3, dtype=np.uint32) + np.uint32(start)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        value ^= value >> np.uint32(shift)
        value *= np.uint32(factor)
    value ^= value >> np.uint32(16)
    return (value & np.uint32(255)).astype(np.uint8).reshape(height, width, 3)


def _drawn_face(height: int, width: int) -> npt.NDArray[np.uint8]:
    rows = np.arange(height, dtype=np.int64)[:, None] * 200 // height
    columns = np.arange(width, dtype=np.int64)[None, :] * 200 // width
    picture = np.empty((height, width, 3), dtype=np.uint8)
    picture[:] = (90 + rows // 4)[..., None]
    # Centre x, centre y, radius x, radius y on a 200 x 200 sheet, and the BGR colour.
    for x, y, radius_x, radius_y, colour in (
        (100, 100, 66, 88, (120, 150, 200)),
        (74, 82, 12, 7, (235, 235, 235)),
        (126, 82, 12, 7, (235, 235, 235)),
        (74, 82, 5, 6, (50, 40, 30)),
        (126, 82, 5, 6, (50, 40, 30)),
        (100, 112, 9, 14, (105, 130, 180)),
        (100, 146, 26, 8, (80, 70, 160)),
    ):
        inside = (
            (columns - x) ** 2 * radius_y**2 + (rows - y) ** 2 * radius_x**2
        ) <= radius_x**2 * radius_y**2
        picture[inside] = colour
    return picture


def sample(values: npt.NDArray[np.generic]) -> list[float]:
    """Pick evenly spaced values of a flattened output, at most 64.

    Integers stay integers; floats are rounded to six digits, below their tolerance.
    """
    flat = values.reshape(-1)
    chosen = flat[:: max(1, -(-flat.size // _SAMPLES))]
    if chosen.dtype.kind == "f":
        return [float(f"{value:.6g}") for value in chosen]
    return [int(value) for value in chosen]


def record_golden(model: Runs) -> dict[str, list[list[float]]]:
    """Run the three pictures through a model.

    Returns:
        For every output the sampled raw values of each picture, in the order of `GENERATORS`.
    """
    wanted = model.contract.input
    recorded: dict[str, list[list[float]]] = {o.name: [] for o in model.contract.outputs}
    for generator in GENERATORS:
        picture = golden_picture(generator, wanted.height, wanted.width)
        for name, values in _counted(model.contract, model.run_raw(picture[None])).items():
            recorded[name].append(sample(values))
    return recorded


def _counted(contract: Contract, outputs: _Outputs) -> _Outputs:
    """Of finished boxes those that count: behind them stands what stood in memory, here nought."""
    if contract.detector is None or contract.detector.stage != "boxes":
        return outputs
    count = int(outputs[contract.output("box-count").name].reshape(-1)[0])
    counted = dict(outputs)
    for head in ("boxes", "box-classes", "box-scores"):
        output = contract.output(head)
        values = outputs[output.name].reshape(-1).copy()
        # Four numbers a box, of the others one.
        values[count * (4 if head == "boxes" else 1) :] = 0
        counted[output.name] = values
    return counted


def check_golden(model: Runs, kernels: str) -> float:
    """Compare a model on this machine with its contract.

    Args:
        model: loaded with XNNPACK or with the built-in kernels.
        kernels: which of the contract's recordings to compare with, `xnnpack` or `builtin`.

    Returns:
        The largest difference found, in quanta for integer outputs, absolute for float ones.

    Raises:
        ContractError: the difference exceeds the contract's tolerance.
    """
    golden: dict[str, Any] = model.contract.golden
    found = record_golden(model)
    try:
        expected = {name: np.array(golden[kernels][name], dtype=np.float64) for name in found}
        tolerance = float(golden["tolerance"])
        differences = [np.abs(np.array(found[name]) - expected[name]) for name in found]
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError(
            f"{model.path}: the contract has no golden outputs for {kernels} that fit this model; "
            "convert the model again"
        ) from error
    worst = float(np.max([difference.max() for difference in differences]))
    # Not `worst > tolerance`: a runtime that computes NaN must not pass.
    if not worst <= tolerance:
        raise ContractError(
            f"{model.path}: this machine's outputs differ from the converter's by {worst:g}, "
            f"allowed are {tolerance:g}; the runtime or its delegate computes wrongly here: "
            "try another LiteRT version, or convert the model again"
        )
    return worst


def check_accelerated(model: Runs, spec: DelegateSpec) -> float:
    """Hold what a model computes with its delegate against its contract's golden outputs.

    Args:
        model: loaded with the delegate.
        spec: the delegate, for messages.

    Returns:
        The largest mean difference of an output, in quanta for integer outputs.

    Raises:
        DelegateError: they differ by more than other kernels' rounding explains.
    """
    golden = model.contract.golden.get("xnnpack")
    if golden is None:
        raise DelegateError(
            f"{model.path} carries no golden outputs, so what {spec.library} computes cannot be "
            "checked; convert the model again",
            curable=False,
        )
    try:
        found = record_golden(model)
    except (RuntimeError, ValueError) as error:
        raise DelegateError(
            f"{model.path} fails on {spec} ({' '.join(str(error).split())})"
        ) from error
    worst = 0.0
    for output in model.contract.outputs:
        expected = np.array(golden[output.name], dtype=np.float64)
        apart = float(np.abs(np.array(found[output.name]) - expected).mean())
        limit = _MOST_QUANTA if output.dtype != "float32" else _MOST_SHARE * expected.std()
        # Not `apart > limit`: outputs that are not numbers must not pass.
        if not apart <= limit:
            raise DelegateError(
                f"{model.path}: with {spec} the output {output.name} differs from the CPU's by "
                f"{apart:.3g} on average, allowed are {limit:.3g}; the accelerator computes "
                "wrongly: unplug it, cool it, or do without --delegate"
            )
        worst = max(worst, apart)
    return worst
