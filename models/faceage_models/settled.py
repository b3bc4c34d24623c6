"""What batch normalisations subtract and divide by, measured anew once weights are averaged."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_models.keras_backend import training_keras
from faceage_models.quick_torch import Answers

__all__ = ["SETTLED_BY", "settle"]

# Faces that are enough.
SETTLED_BY = 2048
_AT_ONCE = 256


def settle(model: Any, batches: Iterable[NDArray[np.uint8]], answers: Answers) -> None:
    """Measure anew what a model's batch normalisations subtract and divide by.

    Their running means belong to the weights of many steps, averaged weights to none of these:
    after few large steps the two do not fit (Izmailov et al., arXiv:1803.05407, section 3.2).

    Args:
        model: a Keras model.
        batches: crops to measure on, each uint8 (n, size, size, 3).
        answers: of the same model, by `answers_of`.
    """
    keras = training_keras()
    crops = np.concatenate(list(batches))
    # In large batches: what differs from batch to batch belongs to the variance too.
    parts = np.array_split(crops, -(-len(crops) // _AT_ONCE))
    found = [one for one in model.layers if isinstance(one, keras.layers.BatchNormalization)]
    before = [(one.momentum, one.trainable) for one in found]
    for count, part in enumerate(parts):
        for one in found:
            # The mean of all batches so far, the first of which takes the place of what was there.
            one.momentum, one.trainable = count / (count + 1), True
        answers(part, training=True)
    for one, (momentum, trainable) in zip(found, before, strict=True):
        one.momentum, one.trainable = momentum, trainable
