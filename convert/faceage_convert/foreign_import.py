"""PyTorch's `.pt2` and `.onnx` files to a float .tflite, by converters that live elsewhere."""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_convert.isolated import run_foreign
from faceage_edge.errors import ModelFileError
from faceage_edge.model import read_model_bytes
from faceage_models.keras_file import FloatModel, checked_float
from faceage_models.same_answers import largest_difference, tflite_answers
from faceage_models.tflite_edit import INPUT_NAME, remove_unused, rename_tensors
from faceage_models.tflite_graph import load_graph, scales_its_input, tensor_name
from faceage_models.tflite_padding import finite_padding

__all__ = ["FOREIGN", "float_foreign"]

# By the file's ending: the environment that reads it.
FOREIGN = {".pt2": "torch", ".onnx": "onnx"}


def float_foreign(path: Path, size: tuple[int, int] | None = None) -> FloatModel:
    """Read a model of another framework.

    Args:
        path: a file with an ending of `FOREIGN`, of a model that takes one float32 picture,
            (batch, 3, height, width) or, in ONNX, (batch, height, width, 3).
        size: width and height for an ONNX model of pictures of an open size.

    Returns:
        The model, which takes (1, height, width, 3). Its outputs are called as in the file; those
        of PyTorch, which have no names, "output", or "output_0" and so on.

    Raises:
        ModelFileError: the file is missing, or its converter refuses it; or the result answers
            otherwise than the original did in its own framework.
        FaceageError: the converter's environment cannot be made.
    """
    source = read_model_bytes(path)
    kind = FOREIGN[path.suffix]
    with tempfile.TemporaryDirectory(prefix="faceage-import-") as folder:
        run_foreign(kind, path, Path(folder), *map(str, size or ()))
        data = (Path(folder) / "model.tflite").read_bytes()
        pictures = np.load(Path(folder) / "pictures.npy", allow_pickle=False)
        with np.load(Path(folder) / "answers.npz", allow_pickle=False) as kept:
            answers = {name: kept[name] for name in kept.files}
    data = _named(finite_padding(data), pictures, answers, str(path))
    difference = largest_difference(data, lambda _: answers, str(path), pictures=pictures)
    return checked_float(
        FloatModel(
            data, hashlib.sha256(source).hexdigest(), "foreign", scales_its_input(data), difference
        ),
        path,
    )


def _named(
    data: bytes, pictures: NDArray[np.float32], answers: dict[str, NDArray[Any]], where: str
) -> bytes:
    """The file with its input and outputs called by name: converters reorder and rename them, so
    each is known by what it answers."""
    graph = load_graph(data, where).subgraphs[0]
    found = tflite_answers(data, pictures, where)
    if len(found) != len(answers) or len(graph.inputs) != 1:
        raise ModelFileError(
            f"{where} has {len(answers)} outputs in its own framework and {len(found)} as .tflite"
        )
    names = {}
    for name, wanted in answers.items():
        fitting = {
            mine: float(np.abs(answer.ravel() - wanted.ravel()).max())
            for mine, answer in found.items()
            if answer.size == wanted.size and mine not in names
        }
        if not fitting:
            raise ModelFileError(
                f"{where} gives {name!r} of {wanted.size} values, as .tflite the sizes "
                f"{[answer.size for answer in found.values()]}"
            )
        names[min(fitting, key=lambda mine: fitting[mine])] = name
    taken = tensor_name(graph.tensors[int(graph.inputs[0])])
    return remove_unused(rename_tensors(data, inputs={taken: INPUT_NAME}, outputs=names))
