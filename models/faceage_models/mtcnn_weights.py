"""The trained weights of MTCNN, as the `mtcnn` package (MIT) carries them, by layer name.

The package keeps one list of arrays per network in the order of its layers, dense kernels indexed
by a feature map whose axes were swapped to (width, height, channels) first: the networks were
trained on pictures in column order. Here every layer is a convolution, in (height, width) order.
"""

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.errors import ModelFileError, missing_extra

__all__ = ["NetworkWeights", "network_weights", "package_weights"]

Array = NDArray[np.float32]

_EXTRA = "bench"
_NETWORKS = ("pnet", "rnet", "onet")
# Where a kernel is dense, the (height, width) of the feature map it looks at.
_DENSE_MAPS = {"rnet": (3, 3), "onet": (3, 3)}


@dataclass(frozen=True)
class NetworkWeights:
    """One network as convolutions.

    `trunk` is a sequence of (kernel `(height, width, in, out)`, bias `(out,)`, slope `(out,)`) in
    order of execution, then the output layers as (kernel, bias): `box` (4 channels), `landmarks`
    (10, or None), `face` (2: no face, face). All float32.
    """

    trunk: tuple[tuple[Array, Array, Array], ...]
    box: tuple[Array, Array]
    landmarks: tuple[Array, Array] | None
    face: tuple[Array, Array]


def package_weights(network: str) -> list[Array]:
    """Read one network's arrays out of the installed `mtcnn` package.

    Args:
        network: "pnet", "rnet" or "onet".

    Returns:
        The arrays in the package's order, float32.

    Raises:
        ModelFileError: the package holds no such weights.
        MissingExtraError: the `mtcnn` package is not installed.
    """
    try:
        joblib = importlib.import_module("joblib")
        spec = importlib.util.find_spec("mtcnn")
    except ImportError as error:
        raise missing_extra("mtcnn", _EXTRA) from error
    if spec is None or spec.origin is None:
        raise missing_extra("mtcnn", _EXTRA)
    path = Path(spec.origin).parent / "assets" / "weights" / f"{network}.lz4"
    if network not in _NETWORKS or not path.is_file():
        raise ModelFileError(
            f"the installed mtcnn package has no weights {path.name!r}, expected one of "
            f"{', '.join(_NETWORKS)} as in version 1.0.0: install that version"
        )
    return [np.asarray(array, np.float32) for array in joblib.load(path)]


def network_weights(network: str, arrays: Sequence[Array] | None = None) -> NetworkWeights:
    """Sort a network's arrays into layers, all of them convolutions.

    Args:
        network: "pnet", "rnet" or "onet".
        arrays: the arrays in the package's order; read from the package where absent.

    Returns:
        The layers.

    Raises:
        ModelFileError: the arrays are not those of the network.
        MissingExtraError: the `mtcnn` package is needed and not installed.
    """
    left: list[Any] = list(package_weights(network) if arrays is None else arrays)
    heads = 3 if network == "onet" else 2
    if (len(left) - 2 * heads) % 3 or len(left) <= 2 * heads:
        raise ModelFileError(
            f"{len(left)} arrays are not the weights of {network}: expected three per hidden layer "
            f"and two for each of {heads} outputs"
        )
    hidden = (len(left) - 2 * heads) // 3
    trunk = tuple(
        (_convolution(network, kernel), bias, slope.reshape(-1))
        for kernel, bias, slope in (left[3 * i : 3 * i + 3] for i in range(hidden))
    )
    tail = left[3 * hidden :]
    outputs = [(_convolution(network, k), b) for k, b in zip(tail[::2], tail[1::2], strict=True)]
    return NetworkWeights(
        trunk=trunk,
        box=outputs[0],
        landmarks=outputs[1] if heads == 3 else None,
        face=outputs[-1],
    )


def _convolution(network: str, kernel: Array) -> Array:
    """Write a dense kernel as a convolution over the whole feature map; leave others alone."""
    if kernel.ndim == 4:
        return kernel
    inputs, outputs = kernel.shape
    height, width = _DENSE_MAPS[network]
    if inputs % (height * width) or inputs < 512:
        # Smaller dense layers look at the 1x1 map that the first one leaves.
        return kernel.reshape(1, 1, inputs, outputs)
    swapped = kernel.reshape(width, height, -1, outputs)
    return np.ascontiguousarray(swapped.transpose(1, 0, 2, 3))
