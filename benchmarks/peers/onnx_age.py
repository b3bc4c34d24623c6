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
    from onnx import TensorProto, checker, helper

    graph = load_graph(tflite)
    sub, written = graph.subgraphs[0], _Written(graph)
    names = {int(sub.inputs[0]): "input"}
    for operator in sub.operators:
        source = names[int(operator.inputs[0])]
        names[int(operator.outputs[0])] = written.activated(
            operator, written.node(operator, source)
        )
    _, height, width, _ = map(int, sub.tensors[sub.inputs[0]].shape)
    last = names[int(sub.outputs[0])]
    made = helper.make_graph(
        written.nodes, "age",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, height, width])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, None])],
        written.constants,
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    return model


class _Written:
    """ONNX nodes and constants of a .tflite graph, as far as it is written; each method returns
    the name of what it computes."""

    def __init__(self, graph: Any) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._graph = graph

    def node(self, operator: Any, source: str) -> str:
        """An operation without its activation."""
        kind = operator_name(self._graph, operator)
        if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            return self._convolution(operator, source, depthwise=kind.startswith("DEPTHWISE"))
        if kind == "MEAN":
            return self._add("Flatten", [self._add("GlobalAveragePool", [source])])
        if kind == "FULLY_CONNECTED":
            kernel = self._weights(operator.inputs[1], np.transpose)
            return self._add("Gemm", [source, kernel, self._weights(operator.inputs[2])])
        raise ValueError(f"{kind} is no operation of our age networks")

    def activated(self, operator: Any, source: str) -> str:
        """What the operation's activation, where it has one, makes of it."""
        activation = getattr(operator.builtinOptions, "fusedActivationFunction", 0)
        if activation == schema.ActivationFunctionType.RELU6:
            limits = [self._constant(np.array(value, np.float32)) for value in (0.0, 6.0)]
            return self._add("Clip", [source, *limits])
        if activation == schema.ActivationFunctionType.RELU:
            return self._add("Relu", [source])
        return source

    def _convolution(self, operator: Any, source: str, *, depthwise: bool) -> str:
        options = operator.builtinOptions
        order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
        kernel = self._weights(operator.inputs[1], partial(np.transpose, axes=order))
        channels = int(self._graph.subgraphs[0].tensors[operator.outputs[0]].shape[3])
        return self._add(
            "Conv", [source, kernel, self._weights(operator.inputs[2])],
            strides=[options.strideH, options.strideW],
            auto_pad="SAME_UPPER" if options.padding == schema.Padding.SAME else "VALID",
            group=channels if depthwise else 1,
        )  # fmt: skip

    def _add(self, kind: str, sources: list[str], **attributes: Any) -> str:
        from onnx import helper

        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, sources, [name], **attributes))
        return name

    def _weights(self, index: int, change: Callable[[Any], Any] = np.asarray) -> str:
        tensor = self._graph.subgraphs[0].tensors[index]
        data = bytes(self._graph.buffers[tensor.buffer].data)
        return self._constant(change(np.frombuffer(data, np.float32).reshape(tensor.shape)))

    def _constant(self, values: NDArray[np.float32]) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        whole = values if values.ndim == 0 else np.ascontiguousarray(values)
        self.constants.append(numpy_helper.from_array(whole, name))
        return name


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
