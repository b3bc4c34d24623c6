"""Our own float age network as ONNX: in onnxruntime, float and static int8, and in OpenCV.

Written anew from the float .tflite, whose graph has four kinds of operations, so that all runtimes
compute the same network. onnxruntime's quantizer gets 100 faces to find its ranges on.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from peer import Picture

from faceage_edge.preprocess import InputEncoder
from faceage_models.tflite_graph import load_graph, operator_name

Logits = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def as_onnx(tflite: bytes) -> Any:
    """Write a float .tflite of convolutions, a mean and a dense layer as an ONNX model, NCHW."""
    from onnx import TensorProto, checker, helper, numpy_helper

    graph = load_graph(tflite)
    sub, nodes, constants = graph.subgraphs[0], [], []
    names = {int(sub.inputs[0]): "input"}

    def constant(index: int, change: Callable[[Any], Any]) -> str:
        tensor = sub.tensors[index]
        data = bytes(graph.buffers[tensor.buffer].data)
        values = np.frombuffer(data, np.float32).reshape(tensor.shape)
        constants.append(numpy_helper.from_array(np.ascontiguousarray(change(values)), f"c{index}"))
        return f"c{index}"

    for number, operator in enumerate(sub.operators):
        kind, options = operator_name(graph, operator), operator.builtinOptions
        source, out = names[int(operator.inputs[0])], f"t{number}"
        if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            depthwise = kind.startswith("DEPTHWISE")
            order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
            kernel = constant(operator.inputs[1], partial(np.transpose, axes=order))
            bias = constant(operator.inputs[2], lambda v: v)
            channels = int(sub.tensors[operator.outputs[0]].shape[3])
            same = options.padding == schema.Padding.SAME
            nodes.append(
                helper.make_node(
                    "Conv", [source, kernel, bias], [out],
                    strides=[options.strideH, options.strideW],
                    auto_pad="SAME_UPPER" if same else "VALID",
                    group=channels if depthwise else 1,
                )
            )  # fmt: skip
        elif kind == "MEAN":
            nodes.append(helper.make_node("GlobalAveragePool", [source], [f"{out}p"]))
            nodes.append(helper.make_node("Flatten", [f"{out}p"], [out]))
        elif kind == "FULLY_CONNECTED":
            kernel = constant(operator.inputs[1], lambda v: v.T)
            bias = constant(operator.inputs[2], lambda v: v)
            nodes.append(helper.make_node("Gemm", [source, kernel, bias], [out]))
        else:
            raise ValueError(f"{kind} is no operation of our age networks")
        if getattr(options, "fusedActivationFunction", 0) == schema.ActivationFunctionType.RELU6:
            limits = [
                helper.make_tensor(f"l{number}{i}", 1, [], [v]) for i, v in ((0, 0.0), (1, 6.0))
            ]
            constants += limits
            nodes.append(
                helper.make_node("Clip", [out, *(one.name for one in limits)], [f"{out}a"])
            )
            out = f"{out}a"
        elif getattr(options, "fusedActivationFunction", 0) == schema.ActivationFunctionType.RELU:
            nodes.append(helper.make_node("Relu", [out], [f"{out}a"]))
            out = f"{out}a"
        names[int(operator.outputs[0])] = out
    _, height, width, _ = map(int, sub.tensors[sub.inputs[0]].shape)
    last = names[int(sub.outputs[0])]
    made = helper.make_graph(
        nodes, "age",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, height, width])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, None])],
        constants,
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    return model


def planes(encoder: InputEncoder, crop: Picture) -> NDArray[np.float32]:
    """Make the network's input of a crop, (1, 3, height, width)."""
    encoded = np.asarray(encoder.encode(crop[None]), np.float32)
    return np.ascontiguousarray(encoded.transpose(0, 3, 1, 2))


def open_onnxruntime(model: bytes, threads: int = 1) -> Logits:
    """Run ONNX bytes in onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda planes: session.run(None, {"input": planes})[0]


def open_opencv(model: bytes) -> Logits:
    """Run ONNX bytes in OpenCV's dnn module."""
    network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))

    def logits(planes: NDArray[np.float32]) -> NDArray[np.float32]:
        network.setInput(planes)
        return np.asarray(network.forward(), np.float32)

    return logits


def quantized(model: Any, encoder: InputEncoder, crops: list[Picture]) -> bytes:
    """Quantize with onnxruntime's static quantizer: int8, per channel, as its guide advises."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(crops)

        def get_next(self) -> dict[str, Any] | None:
            crop = next(self._left, None)
            return None if crop is None else {"input": planes(encoder, crop)}

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, before)
        quantize_static(
            str(before), str(after), Reader(), per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        return after.read_bytes()
