"""The layer that cuts a region out of a picture, so that where to cut can be learnt.

The layer class is made on first use, so that importing this module needs no Keras.
"""

from functools import cache
from typing import Any

from faceage_models.keras_backend import training_keras

__all__ = ["region_cut_class"]


@cache
def region_cut_class() -> Any:
    """Make and register the Keras layer class `RegionCut`.

    `RegionCut(size)` maps pictures `(n, height, width, channels)` float32 and regions `(n, 4)`
    float32 to pieces `(n, size, size, channels)`. A region is left, top, right and bottom as shares
    from 0 to 1 of the picture; its edges are rounded to whole pixels and it is resampled
    bilinearly, as `faceage_edge.two_branches.pieces_of` does on the device, which averages where a
    region is larger than `size` pixels each way: give regions that are not.

    Returns:
        The class; the same object at every call.

    Raises:
        MissingExtraError: Keras is not installed.
    """
    keras = training_keras()
    ops = keras.ops

    @keras.saving.register_keras_serializable(package="faceage", name="RegionCut")
    class RegionCut(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, size: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.size = size

        def call(self, inputs: Any) -> Any:
            pictures, regions = inputs
            left, top, right, bottom = ops.unstack(ops.clip(regions, 0, 1), 4, axis=1)
            rows = _shares(ops, top, bottom, pictures.shape[1], self.size)
            columns = _shares(ops, left, right, pictures.shape[2], self.size)
            strip = ops.einsum("nih,nhwc->niwc", rows, pictures)
            return ops.einsum("njw,niwc->nijc", columns, strip)

        def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
            pictures, _ = input_shape
            return (pictures[0], self.size, self.size, pictures[3])

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "size": self.size}

    return RegionCut


def _shares(ops: Any, low: Any, high: Any, length: int, size: int) -> Any:
    """How much each pixel of a side gives to each of the piece's, (n, size, length)."""
    # A region at the far edge would begin behind the last pixel.
    first = _rounded(ops, ops.minimum(low * length, length - 1.0))
    last = ops.maximum(_rounded(ops, high * length), first + 1.0)
    steps = (ops.arange(size, dtype="float32") + 0.5) / size
    first, last = first[:, None], last[:, None]
    # Pixel centres lie at integers; nothing beyond the region is seen.
    places = ops.clip(first - 0.5 + (last - first) * steps, first, last - 1.0)
    away = ops.abs(places[:, :, None] - ops.arange(length, dtype="float32"))
    return ops.relu(1.0 - away)


def _rounded(ops: Any, values: Any) -> Any:
    """Whole numbers, with the slope of the numbers themselves: rounding has none to learn by."""
    return values + ops.stop_gradient(ops.round(values) - values)
