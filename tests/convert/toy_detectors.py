"""Small made-up face detectors with the outputs of published ones, as .tflite files."""

from typing import Any

import numpy as np

__all__ = ["blazeface_like", "raw_float16", "ssd", "ssd_anchors", "yunet_like"]

# Strides and anchors of a cell of the made-up SSD on 64 x 64 pixels.
SSD_GRIDS = ((8, ((0.2, 0.2),)), (16, ((0.4, 0.5), (0.6, 0.6))))
STEPS = {"x_scale": 10.0, "y_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0}


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


def ssd_anchors() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Centre y, centre x, height, width as shares of the input, float32 (n, 4)."""
    rows = []
    for stride, sides in SSD_GRIDS:
        cells = 64 // stride
        for y in range(cells):
            for x in range(cells):
                rows += [((y + 0.5) / cells, (x + 0.5) / cells, h, w) for w, h in sides]
    return np.array(rows, np.float32)


def ssd() -> bytes:
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
    _append_post_process(model)
    return save_graph(model)


def _append_post_process(model: Any) -> None:
    from ai_edge_litert.schema_py_generated import (
        BufferT,
        OperatorCodeT,
        OperatorT,
        TensorT,
    )
    from flatbuffers import flexbuffers

    graph = model.subgraphs[0]

    def tensor(name: str, shape: tuple[int, ...], data: bytes | None = None) -> int:
        made = TensorT()
        made.name, made.shape, made.type = name, np.array(shape, np.int32), 0
        if data is not None:
            buffer = BufferT()
            buffer.data = np.frombuffer(data, np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    sizes = {int(graph.tensors[i].shape[-1]): int(i) for i in graph.outputs}
    anchors = ssd_anchors()
    code = OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = 32, 32
    code.customCode = "TFLite_Detection_PostProcess"
    model.operatorCodes.append(code)
    operator = OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs = np.array(
        [sizes[4], sizes[2], tensor("anchors", anchors.shape, anchors.tobytes())], np.int32
    )
    flat = {"out_classes": (1, 6), "out_scores": (1, 6), "out_count": (1,)}
    shapes: dict[str, tuple[int, ...]] = {"out_boxes": (1, 6, 4), **flat}
    operator.outputs = np.array([tensor(name, shape) for name, shape in shapes.items()], np.int32)
    options = flexbuffers.Builder()
    with options.Map():
        for key, value in STEPS.items():
            options.Float(key, value)
        for key, number in (("max_detections", 6), ("max_classes_per_detection", 1)):
            options.Int(key, number)
        options.Int("num_classes", 1)
        options.Float("nms_score_threshold", 0.0)
        options.Float("nms_iou_threshold", 0.6)
    operator.customOptions = np.frombuffer(bytes(options.Finish()), np.uint8)
    graph.operators.append(operator)
    graph.outputs, model.signatureDefs = operator.outputs, None


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
