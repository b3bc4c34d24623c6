"""The rounding of int8 that a layer gets while it trains, as the converter will round it.

Weights: around 0, from -127 to 127, a scale for each output channel of a convolution and one for
the whole of a dense layer. tensorflow-model-optimization's own depthwise rounding has one scale for
all channels, which is coarser than what `faceage-convert` makes, so weights are rounded here.
Results: 256 steps between a smallest and a largest value, which follow the batches by its moving
average (0.999). Where a ReLU follows a layer the two are one operator, and its result is rounded
once, behind the ReLU.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from faceage_models.folded_network import PASSIVE, WEIGHTED, Part
from faceage_models.frameworks import import_tensorflow

__all__ = ["Rounding", "result_sources"]

# The runtime merges a ReLU into these.
_MERGING = (*WEIGHTED, "Add")
# Below it a channel is dead; a scale of nought would make it no number.
_SMALLEST = 1e-9


def result_sources(parts: Sequence[Part]) -> dict[str, str]:
    """Whose range each result of the finished graph has.

    Args:
        parts: the network.

    Returns:
        {result: layer that is rounded}: itself; behind a layer that only moves numbers, the one
        before it; of a layer and the ReLU that is merged into it, whichever the exporter calls the
        result by, the ReLU; "" where only the picture's own numbers are moved.
    """
    readers: dict[str, list[Part]] = {}
    for part in parts:
        for name in part.reads:
            readers.setdefault(name, []).append(part)
    sources = {"": ""}
    for part in parts:
        behind = readers.get(part.name, [])
        if part.kind in PASSIVE:
            sources[part.name] = sources[part.reads[0]]
        elif part.kind in _MERGING and [one.kind for one in behind] == ["ReLU"]:
            sources[part.name] = behind[0].name
        else:
            sources[part.name] = part.name
    del sources[""]
    return sources


class Rounding:
    """Wraps layers of tf_keras so that they round; holds what is to be read back afterwards.

    Attributes:
        weights: kernel and bias of each weighted layer, by its name: the float variables.
        ranges: variables of the smallest and the largest value of each rounded result.
    """

    def __init__(self, tfmot: ModuleType, rounded: Sequence[str]) -> None:
        """Round the results of the layers named `rounded`, and all weights."""
        self.weights: dict[str, list[Any]] = {}
        self.ranges: dict[str, tuple[Any, Any]] = {}
        self._tfmot, self._rounded = tfmot, frozenset(rounded)
        self._kernels = _kernel_quantizer(tfmot)
        self._config = _layer_config(tfmot)

    def wrap(self, part: Part, layer: Any) -> Any:
        """A layer that rounds, in the place of `layer`, as `build_parts` wants it."""
        rounds_result = part.name in self._rounded
        if not part.weights and not rounds_result:
            return layer
        kernel = None
        if part.weights:
            kernel = "depthwise_kernel" if part.kind == "DepthwiseConv2D" else "kernel"
            self.weights[part.name] = [getattr(layer, kernel), layer.bias]
        config = self._config(
            kernel, self._kernels(part.kind), self._results(part.name) if rounds_result else None
        )
        return self._tfmot.QuantizeWrapperV2(layer, config)

    def _results(self, name: str) -> Any:
        found, base = self.ranges, self._tfmot.quantizers.MovingAverageQuantizer

        class ResultRange(base):  # type: ignore[misc, valid-type]
            def build(self, tensor_shape: Any, label: str, layer: Any) -> Any:
                made = super().build(tensor_shape, label, layer)
                found[name] = made["min_var"], made["max_var"]
                return made

        return ResultRange(num_bits=8, per_axis=False, symmetric=False, narrow_range=False)


def _kernel_quantizer(tfmot: ModuleType) -> Any:
    tf = import_tensorflow()

    class KernelRounding(tfmot.quantizers.Quantizer):  # type: ignore[misc, name-defined]
        def __init__(self, kind: str) -> None:
            self.kind = kind

        def build(self, _tensor_shape: Any, _name: str, _layer: Any) -> dict[str, Any]:
            return {}  # the range is the kernel's own

        def __call__(self, inputs: Any, *_how: Any, **_more: Any) -> Any:
            size = tf.maximum(tf.abs(tf.stop_gradient(inputs)), _SMALLEST)
            if self.kind == "Dense":
                high = tf.reduce_max(size)
                return tf.quantization.fake_quant_with_min_max_vars(
                    inputs, -high, high, narrow_range=True
                )
            channels = inputs.shape[-1] * (inputs.shape[-2] if self.kind != "Conv2D" else 1)
            flat = tf.reshape(inputs, (-1, channels))
            high = tf.reduce_max(tf.reshape(size, (-1, channels)), axis=0)
            rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(
                flat, -high, high, narrow_range=True
            )
            return tf.reshape(rounded, inputs.shape)

        def get_config(self) -> dict[str, Any]:
            return {"kind": self.kind}

    return KernelRounding


def _layer_config(tfmot: ModuleType) -> Any:
    class LayerRounding(tfmot.QuantizeConfig):  # type: ignore[misc, name-defined]
        def __init__(self, kernel: str | None, kernels: Any, results: Any) -> None:
            self.kernel, self.kernels, self.results = kernel, kernels, results

        def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
            return [(getattr(layer, self.kernel), self.kernels)] if self.kernel else []

        def get_activations_and_quantizers(self, _layer: Any) -> list[tuple[Any, Any]]:
            return []

        def set_quantize_weights(self, layer: Any, quantize_weights: Sequence[Any]) -> None:
            if self.kernel:
                setattr(layer, self.kernel, quantize_weights[0])

        def set_quantize_activations(self, layer: Any, quantize_activations: Any) -> None:
            pass

        def get_output_quantizers(self, _layer: Any) -> list[Any]:
            return [] if self.results is None else [self.results]

        def get_config(self) -> dict[str, Any]:
            return {}

    return LayerRounding
