"""Small made-up face detectors with the outputs of published ones, as .tflite files."""

from dataclasses import replace
from typing import Any

import numpy as np

from faceage_models.post_process import PostProcess, append_post_process

__all__ = ["blazeface_like", "raw_float16", "rfb_like", "ssd", "ssd_anchors", "yunet_like"]

# Strides and anchors of a cell of the made-up SSD on 64 x 64 pixels.
SSD_GRIDS = ((8, ((0.2, 0.2),)), (16, ((0.4, 0.5), (0.6, 0.6))))
OPTIONS = PostProcess(
    centre_scale=10.0, side_scale=5.0, least_score=0.0, most_overlap=0.6, most_boxes=6
)


def _converted(model: Any) -> bytes:
    from faceage_models.frameworks import import_tensorflow

    tf = import_tensorflow()
    return bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def _trunk(keras: Any, width: int, height: int) -> tuple[Any, Any, Any]:
    """An input, and what it is at strides 8 and 16."""
    seed = keras.utils.set_random_seed
    seed(3)
    layers = keras.layers
    picture = keras.Input((height, width, 3), batch_size=1, name="picture")
    x = layers.Conv2D(8, 3, 4, "same", activation="relu")(picture)
    eighth = layers.Conv2D(12, 3, 2, "same", activation="relu")(x)
    return picture, eighth, layers.Conv2D(16, 3, 2, "same", activation="relu")(eighth)


def _keras() -> Any:
    from faceage_models.frameworks import import_keras

    return import_keras()


def blazeface_like() -> bytes:
    """128 x 128; 896 anchors of 16 numbers and a score."""
    keras = _keras()
    layers = keras.layers
    picture, eighth, sixteenth = _trunk(keras, 128, 128)
    outputs = []
    for numbers in (16, 1):
        parts = [
            layers.Reshape((512, numbers))(layers.Conv2D(2 * numbers, 1)(eighth)),
            layers.Reshape((384, numbers))(layers.Conv2D(6 * numbers, 1)(sixteenth)),
        ]
        outputs.append(layers.Concatenate(axis=1)(parts))
    return _converted(keras.Model(picture, outputs))


def yunet_like() -> bytes:
    """96 x 64; for strides 8, 16 and 32 two scores, boxes and five points."""
    keras = _keras()
    layers = keras.layers
    picture, eighth, sixteenth = _trunk(keras, 96, 64)
    outputs = []
    for stride, own in ((8, eighth), (16, sixteenth), (32, layers.MaxPool2D()(sixteenth))):
        count = (96 // stride) * (64 // stride)
        for numbers in (1, 1, 4, 10):
            values = layers.Reshape((count, numbers))(layers.Conv2D(numbers, 1)(own))
            outputs.append(layers.Activation("sigmoid")(values) if numbers == 1 else values)
    return _converted(keras.Model(picture, outputs))


def rfb_like() -> bytes:
    """320 x 240; 4,420 priors on four grids, the last rows of two half below the picture."""
    keras = _keras()
    layers = keras.layers
    picture, eighth, sixteenth = _trunk(keras, 320, 240)
    coarse = layers.Conv2D(16, 3, 2, "same", activation="relu")(sixteenth)
    coarsest = layers.Conv2D(16, 3, 2, "same", activation="relu")(coarse)
    outputs = []
    for numbers in (4, 2):
        parts = [
            layers.Reshape((-1, numbers))(layers.Conv2D(each * numbers, 1)(own))
            for each, own in ((3, eighth), (2, sixteenth), (2, coarse), (3, coarsest))
        ]
        values = layers.Concatenate(axis=1)(parts)
        outputs.append(values if numbers == 4 else layers.Softmax()(values))
    return _converted(keras.Model(picture, outputs))


def ssd_anchors() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Centre y, centre x, height, width as shares of the input, float32 (n, 4)."""
    rows = []
    for stride, sides in SSD_GRIDS:
        cells = 64 // stride
        for y in range(cells):
            for x in range(cells):
                rows += [((y + 0.5) / cells, (x + 0.5) / cells, h, w) for w, h in sides]
    return np.array(rows, np.float32)


def ssd(least_score: float = 0.0) -> bytes:
    """64 x 64; boxes and scores of 96 anchors through TFLite_Detection_PostProcess."""
    from faceage_models.tflite_graph import load_graph, save_graph

    keras = _keras()
    layers = keras.layers
    picture, eighth, sixteenth = _trunk(keras, 64, 64)
    outputs = []
    for numbers in (4, 2):
        parts = [
            layers.Reshape((64, numbers))(layers.Conv2D(numbers, 1)(eighth)),
            layers.Reshape((32, numbers))(layers.Conv2D(2 * numbers, 1)(sixteenth)),
        ]
        values = layers.Concatenate(axis=1)(parts)
        outputs.append(values if numbers == 4 else layers.Activation("sigmoid")(values))
    model = load_graph(_converted(keras.Model(picture, outputs)))
    graph = model.subgraphs[0]
    sizes = {int(graph.tensors[i].shape[-1]): int(i) for i in graph.outputs}
    append_post_process(
        model, sizes[4], sizes[2], ssd_anchors(), replace(OPTIONS, least_score=least_score)
    )
    return save_graph(model)


def raw_float16() -> bytes:
    """The BlazeFace-like one with its weights in float16, each widened as the graph runs."""
    from faceage_models.frameworks import import_tensorflow

    tf = import_tensorflow()
    keras = _keras()
    picture, _, sixteenth = _trunk(keras, 32, 32)
    dilated = keras.layers.Conv2D(8, 3, padding="valid", dilation_rate=2)
    outputs = keras.layers.Conv2D(4, 1)(dilated(keras.layers.UpSampling2D(4)(sixteenth)))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(picture, outputs))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())
