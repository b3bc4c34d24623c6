"""Steps of learning on PyTorch and processor cores, in bfloat16, and answers in float32.

Keras writes a batch normalisation as a dozen operations, each of which reads and writes the whole
map; PyTorch has one for all. Products of bfloat16 take half the time where the processor has
instructions for them (AVX512-BF16, AMX), and half the memory anywhere. Weights, their averages, the
optimizer and the head stay float32, and the loss needs no scaling (Kalamkar et al., "A study of
BFLOAT16 for deep learning training", arXiv:1905.12322).
"""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from faceage_edge.errors import UsageError
from faceage_models.age_inputs import Preprocessing
from faceage_models.keras_backend import training_keras
from faceage_models.learning_step import learning_step

__all__ = ["Answers", "check_quick", "quick_answers", "quick_features", "quick_step"]

# Of glibc's malloc.h: what `mallopt` can be told.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_NEVER, _ROOM = -1, 2**28

# Crops, uint8 (n, size, size, 3), RGB, and targets to the loss before the step.
QuickStep = Callable[[NDArray[np.uint8], NDArray[np.float32]], float]


class Answers(Protocol):
    """What tells a model's answers to crops."""

    def __call__(self, crops: NDArray[np.uint8], *, training: bool = False) -> NDArray[np.float32]:
        """The output, (n, ...), of crops, uint8 (n, size, size, 3), RGB."""


def check_quick(model: Any, taken: Preprocessing, *, head_layers: int) -> None:
    """Say whether `quick_step` knows a network.

    Args:
        model: a Keras model.
        taken: how it takes a picture.
        head_layers: how many of the last layers are the head.

    Raises:
        UsageError: another back end than PyTorch, layers that are no plain chain up to the head, or
            pictures that are not RGB by one scale.
    """
    keras = training_keras()
    if keras.backend.backend() != "torch":
        raise UsageError(
            "--precision bfloat16 needs PyTorch: install torch and set KERAS_BACKEND=torch"
        )
    if taken.normalisation.kind != "affine" or taken.colour != "RGB":
        raise UsageError(
            f"--precision bfloat16 knows RGB and one scale, not --normalise {taken.name}: leave it "
            "out"
        )
    before = model.layers[0].output
    for layer in model.layers[1:-head_layers]:
        if layer.input is not before or not _is_plain(keras.layers, layer):
            raise UsageError(
                "--precision bfloat16 is for plain chains of layers, as mobilenet-v1 is one; "
                f"{layer.name} of {model.name} is no part of one: leave it out"
            )
        before = layer.output


def quick_step(
    model: Any,
    taken: Preprocessing,
    loss: Callable[[Any, Any], Any],
    optimizer: Any,
    *,
    head_layers: int,
) -> QuickStep:
    """Make the function that takes one step.

    Args:
        model: a Keras model that `check_quick` knows.
        taken: how it takes a picture.
        loss: of targets and the model's outputs, a scalar for each face, (n,), in `keras.ops`.
        optimizer: a Keras optimizer, built for the model's trainable variables.
        head_layers: how many of the last layers are the head, which is computed in float32.

    Raises:
        UsageError: see `check_quick`.
    """
    check_quick(model, taken, head_layers=head_layers)
    torch: Any = import_module("torch")
    _keep_memory()
    body, head = _parts(model, head_layers)

    def mean_loss(_: Any, batch: tuple[NDArray[np.uint8], NDArray[np.float32]]) -> tuple[Any]:
        crops, targets = batch
        with torch.autocast("cpu", torch.bfloat16):
            features = quick_features(body, _pixels(torch, crops, taken))
        found = head(features.float(), training=True)
        return (loss(torch.from_numpy(targets), found).mean(),)

    update = learning_step(model, mean_loss, optimizer)
    return lambda crops, targets: float(update((crops, targets))[0])


def quick_answers(model: Any, taken: Preprocessing, *, head_layers: int) -> Answers:
    """Make the function that tells the answers of a network, in float32.

    Args:
        model: a Keras model that `check_quick` knows.
        taken: how it takes a picture.
        head_layers: how many of the last layers are the head.

    Raises:
        UsageError: see `check_quick`.
    """
    check_quick(model, taken, head_layers=head_layers)
    torch: Any = import_module("torch")
    _keep_memory()
    body, head = _parts(model, head_layers)

    def answers(crops: NDArray[np.uint8], *, training: bool = False) -> NDArray[np.float32]:
        with torch.no_grad():
            features = quick_features(body, _pixels(torch, crops, taken), training=training)
            found: NDArray[np.float32] = head(features, training=False).numpy()
        return found

    return answers


def quick_features(body: Sequence[Any], pixels: Any, *, training: bool = True) -> Any:
    """Apply layers, each normalisation in one operation.

    Args:
        body: Keras layers on PyTorch, each of which reads the one before.
        pixels: tensor (n, 3, height, width), the channels of a pixel side by side in memory.
        training: as a training step does.

    Returns:
        What the last layer gives: (n, channels), or (n, channels, height, width).
    """
    torch: Any = import_module("torch")
    layers, functional = training_keras().layers, torch.nn.functional
    x = pixels
    for layer in body:
        if isinstance(layer, layers.BatchNormalization):
            x = functional.batch_norm(
                x, layer.moving_mean.value, layer.moving_variance.value,
                layer.gamma.value, layer.beta.value, training=training and layer.trainable,
                momentum=1 - layer.momentum, eps=layer.epsilon,
            )  # fmt: skip
        elif isinstance(layer, layers.DepthwiseConv2D):
            kernels = layer.kernel.value.permute(2, 3, 0, 1)
            x = _convolved(functional, x, kernels, layer.strides[0], groups=x.shape[1])
        elif isinstance(layer, layers.Conv2D):
            kernels = layer.kernel.value.permute(3, 2, 0, 1)
            x = _convolved(functional, x, kernels, layer.strides[0], groups=1)
        elif isinstance(layer, layers.ReLU):
            x = functional.hardtanh(x, 0.0, float(layer.max_value))
        elif isinstance(layer, layers.Dropout):
            x = functional.dropout(x, layer.rate, training)
        else:
            x = x.mean(dim=(2, 3))
    return x


def _parts(model: Any, head_layers: int) -> tuple[list[Any], Any]:
    """The layers before the head, and the head as a model of its own."""
    body = model.layers[1:-head_layers]
    return body, training_keras().Model(body[-1].output, model.output)


def _convolved(functional: Any, x: Any, kernels: Any, stride: int, *, groups: int) -> Any:
    side, size = kernels.shape[-1], x.shape[-1]
    if groups > 1 and (side, stride, size % 2) == (3, 2, 0):
        return _halved()(x, kernels.to(x.dtype))
    # "same", as TensorFlow has it: what is odd of the border lies below and to the right.
    border = max((-(-size // stride) - 1) * stride + side - size, 0)
    before, after = border // 2, border - border // 2
    if before == after:
        return functional.conv2d(x, kernels, None, stride, before, 1, groups)
    padded = functional.pad(x, (before, after, before, after))
    return functional.conv2d(padded, kernels, None, stride, 0, 1, groups)


def _is_plain(layers: Any, layer: Any) -> bool:
    if isinstance(layer, layers.ReLU):
        return layer.max_value is not None and not layer.negative_slope and not layer.threshold
    if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)):
        square = len({*layer.strides}) == len({*layer.kernel_size}) == 1
        alone = {*layer.dilation_rate} == {1} and not layer.use_bias and layer.padding == "same"
        depth, groups = getattr(layer, "depth_multiplier", 1), getattr(layer, "groups", 1)
        own = isinstance(layer, layers.DepthwiseConv2D) or groups == 1
        return square and alone and depth == 1 and own
    if isinstance(layer, layers.BatchNormalization):
        return bool(layer.center and layer.scale)
    if isinstance(layer, layers.GlobalAveragePooling2D):
        return not layer.keepdims
    return isinstance(layer, layers.Dropout)


def _pixels(torch: Any, crops: NDArray[np.uint8], taken: Preprocessing) -> Any:
    """What the network takes, (n, 3, height, width), the channels of a pixel side by side."""
    rule = taken.normalisation
    mean, std = (torch.tensor(part, dtype=torch.float32) for part in (rule.mean, rule.std))
    return ((torch.from_numpy(crops).float() - mean) / std).permute(0, 3, 1, 2)


@cache
def _halved() -> Any:
    """A depthwise 3 x 3 convolution of stride 2 over even sides, "same", and its gradient.

    oneDNN has no fast gradient of it: its slow one takes longer than all other layers together.
    With noughts between its elements, the slope's convolution with the turned kernel gives the same
    numbers.
    """
    torch: Any = import_module("torch")
    functional = torch.nn.functional
    backward = torch.ops.aten.convolution_backward.default

    class Halved(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(context: Any, x: Any, kernels: Any) -> Any:
            padded = functional.pad(x, (0, 1, 0, 1))
            context.save_for_backward(padded, kernels)
            return functional.conv2d(padded, kernels, None, 2, 0, 1, x.shape[1])

        @staticmethod
        def backward(context: Any, slope: Any) -> Any:
            padded, kernels = context.saved_tensors
            count, channels, high, wide = slope.shape
            of_kernels = backward(
                slope, padded, kernels, None, [2, 2], [0, 0], [1, 1], False, [0, 0], channels,
                [False, True, False],
            )[1]  # fmt: skip
            spread = _noughts((count, channels, 2 * high, 2 * wide), slope.dtype)
            spread[:, :, 1::2, 1::2] = slope
            of_x = functional.conv2d(spread, kernels.flip(2, 3), None, 1, 1, 1, channels)
            return of_x, of_kernels

    return Halved.apply


@cache
def _noughts(shape: tuple[int, ...], dtype: Any) -> Any:
    """A map to write every other row and column of, time and again; the rest stays nought."""
    torch: Any = import_module("torch")
    return torch.zeros(shape, dtype=dtype).to(memory_format=torch.channels_last)


def _keep_memory() -> None:
    """Let this process keep the memory it gives back, where its C library is glibc.

    Large maps would be asked of the system at every operation and wiped by it, which takes a
    fifth of a step.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for what, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _ROOM)):
        mallopt(what, value)
