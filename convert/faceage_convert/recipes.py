"""What each quantization scheme asks of the quantizer.

| scheme | weights | activations | ends | for |
|---|---|---|---|---|
| int8 | int8 | int8 | int8 | XNNPACK and the Edge TPU |
| int8-float-io | int8 | int8 | float32 | programs that feed floats |
| int16x8 | int8 | int16 | int16 | accuracy; no XNNPACK kernels, so slow |
| dynamic | int8, depthwise float32 | float32 | float32 | no faces to record ranges on |
| float16 | float16 | float32 | float32 | half the size, next to nothing lost |

Under `dynamic` the runtime cuts activations to 8 bits as they come. A depthwise convolution stays
float32 there: XNNPACK has no such kernel, and the changes between it and built-in ones cost more
time than the kernels save.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from faceage_edge.errors import missing_extra

__all__ = [
    "INT8",
    "KEPT",
    "NEEDS_RANGES",
    "REFINABLE",
    "REFINEMENTS",
    "Recipe",
    "quantizer_for",
    "refined_name",
]

NEEDS_RANGES = ("int8", "int8-float-io", "int16x8")
# What layers that int8 hurts most may be kept in.
KEPT = ("int16x8", "float32")
# What may be done to a float model so that less is lost, in the order in which it is done, with
# words for it; and the schemes that it is done for.
REFINEMENTS = {
    "equalise": "channels equalised",
    "clip": "ranges cut",
    "round": "rounding fitted",
}
REFINABLE = ("int8", "int8-float-io")


@dataclass(frozen=True)
class Recipe:
    """A scheme, and the layers that are kept finer than it, by the names of their results.

    `kept_as` is one of `KEPT`, `refine` some of `REFINEMENTS` in their order.
    """

    scheme: str = "int8"
    kept: tuple[str, ...] = ()
    kept_as: str = "float32"
    refine: tuple[str, ...] = ()

    @property
    def needs_ranges(self) -> bool:
        """Whether activations are quantized ahead of time, so that their ranges must be known."""
        return self.scheme in NEEDS_RANGES

    @property
    def name(self) -> str:
        """The scheme as `read_scheme` finds it in the finished file."""
        return f"{self.scheme}-with-{len(self.kept)}-{self.kept_as}" if self.kept else self.scheme


INT8 = Recipe()


def refined_name(scheme: str, refine: Iterable[str]) -> str:
    """A scheme and how it was refined, in words."""
    return ", ".join((scheme, *(REFINEMENTS[one] for one in refine)))


def quantizer_for(model: bytes, recipe: Recipe) -> Any:
    """Open the quantizer on a float model with a recipe set.

    Args:
        model: a float .tflite file.
        recipe: what to make of it.

    Returns:
        An `ai_edge_quantizer.quantizer.Quantizer`.

    Raises:
        MissingExtraError: the quantizer is not installed.
    """
    try:
        from ai_edge_quantizer import qtyping, quantizer
    except ImportError as error:
        raise missing_extra("ai_edge_quantizer", "convert") from error
    made = quantizer.Quantizer(bytearray(model))
    _SETTERS[recipe.scheme](made, qtyping)
    for layer in recipe.kept:
        # The quantizer searches a layer's results, each followed by a semicolon or not.
        pattern = f"(^|;){re.escape(layer)};?$"
        if recipe.kept_as == "int16x8":
            _static(made, qtyping, pattern, 16)
        else:
            made.update_quantization_recipe(
                pattern, qtyping.TFLOperationName.ALL_SUPPORTED, algorithm_key=_LEAVE
            )
    return made


_LEAVE = "no_quantize"


def _static(made: Any, qtyping: Any, pattern: str, bits: int) -> None:
    operation = qtyping.TFLOperationName
    made.add_static_config(pattern, operation.ALL_SUPPORTED, bits, 8)
    made.add_static_config(
        pattern,
        operation.FULLY_CONNECTED,
        bits,
        8,
        weight_granularity=qtyping.QuantGranularity.TENSORWISE,
    )


def _int8(made: Any, qtyping: Any) -> None:
    _static(made, qtyping, ".*", 8)


def _int8_float_io(made: Any, qtyping: Any) -> None:
    _static(made, qtyping, ".*", 8)
    for end in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
        made.update_quantization_recipe(".*", end, algorithm_key=_LEAVE)


def _int16x8(made: Any, qtyping: Any) -> None:
    _static(made, qtyping, ".*", 16)


def _dynamic(made: Any, qtyping: Any) -> None:
    operation = qtyping.TFLOperationName
    made.add_dynamic_config(".*", operation.CONV_2D, 8)
    # One scale for the whole tensor: tflite-runtime 2.14 knows no other here.
    made.add_dynamic_config(
        ".*", operation.FULLY_CONNECTED, 8, granularity=qtyping.QuantGranularity.TENSORWISE
    )


def _float16(made: Any, qtyping: Any) -> None:
    operation = qtyping.TFLOperationName
    weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    halved = qtyping.OpQuantizationConfig(
        weight_tensor_config=weights,
        compute_precision=qtyping.ComputePrecision.FLOAT,
        explicit_dequantize=True,
    )
    for kind in (operation.CONV_2D, operation.DEPTHWISE_CONV_2D, operation.FULLY_CONNECTED):
        made.update_quantization_recipe(".*", kind, halved, algorithm_key="float_casting")


_SETTERS = {
    "int8": _int8,
    "int8-float-io": _int8_float_io,
    "int16x8": _int16x8,
    "dynamic": _dynamic,
    "float16": _float16,
}
