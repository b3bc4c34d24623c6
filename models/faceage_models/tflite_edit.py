"""Edit a .tflite graph: name tensors, drop a final activation, leave nothing unused behind.

Editing only moves and renames; no weight is touched, so the outputs stay the same to the bit.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from faceage_edge.errors import ModelFileError
from faceage_models.tflite_graph import (
    load_graph,
    operator_name,
    save_graph,
    signature_entries,
    tensor_name,
)

__all__ = [
    "INPUT_NAME",
    "drop_final_activations",
    "remove_unused",
    "rename_by_signature",
    "rename_tensors",
]

INPUT_NAME = "input"
# An activation that turns logits into probabilities; decoding wants the logits.
_ACTIVATIONS = ("LOGISTIC", "SOFTMAX")


def rename_tensors(
    data: bytes,
    *,
    inputs: Mapping[str, str] | None = None,
    outputs: Mapping[Any, str] | None = None,
) -> bytes:
    """Rename inputs and outputs, in the graph and in its signatures.

    Args:
        data: the whole file.
        inputs: old tensor name to new.
        outputs: old name to new, where the old one is a tensor name, a name in the signature, or
            the output's shape as a tuple (for files whose names say nothing).

    Returns:
        The file with the new names.

    Raises:
        ModelFileError: an old name or shape fits no output, or more than one.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data)
    graph = model.subgraphs[0]
    for old, new in (inputs or {}).items():
        _set_name(model, _find(model, [int(i) for i in graph.inputs], old), new)
    found = {
        _find(model, [int(i) for i in graph.outputs], old): new
        for old, new in (outputs or {}).items()
    }
    for index, new in found.items():
        _set_name(model, index, new)
    return save_graph(model)


def rename_by_signature(data: bytes) -> bytes:
    """Give each input and output tensor the name it has in the file's signature.

    The single input is called "input" whatever its signature says.

    Raises:
        ModelFileError: the file has no signature.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data)
    if not model.signatureDefs:
        raise ModelFileError(
            "the model has no signature to take names from: rename by shape instead"
        )
    for entry in signature_entries(model):
        _set_name(model, entry.tensorIndex, tensor_name(entry))
    if len(model.subgraphs[0].inputs) == 1:
        _set_name(model, model.subgraphs[0].inputs[0], INPUT_NAME)
    return save_graph(model)


def drop_final_activations(
    data: bytes, keep: Collection[str] = ()
) -> tuple[bytes, tuple[str, ...]]:
    """Remove a LOGISTIC or SOFTMAX that produces an output, so that the output is its logits.

    The output keeps its place and its name.

    Args:
        data: the file.
        keep: names of outputs that stay as they are.

    Returns:
        The file, and the names of the outputs that now are logits (empty where nothing changed).

    Raises:
        ModelFileError: the bytes are no TensorFlow Lite model of one graph.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    model = load_graph(data)
    graph = model.subgraphs[0]
    changed = []
    for operator in [op for op in graph.operators if _is_activation(model, op)]:
        probability, logit = int(operator.outputs[0]), int(operator.inputs[0])
        if probability not in graph.outputs or logit in graph.outputs:
            continue
        if tensor_name(graph.tensors[probability]) in keep:
            continue
        if any(probability in op.inputs for op in graph.operators):
            continue  # something else in the graph reads the probability
        graph.operators.remove(operator)
        name = tensor_name(graph.tensors[probability])
        changed.append(name)
        _redirect(model, {probability: logit})
        _set_name(model, logit, name)
    return (remove_unused(save_graph(model)) if changed else data), tuple(changed)


def _is_activation(model: Any, operator: Any) -> bool:
    # A softmax of beta other than 1 scales its logits first; dropping it would lose the factor.
    return operator_name(model, operator) in _ACTIVATIONS and (
        getattr(operator.builtinOptions, "beta", 1.0) == 1.0
    )


def remove_unused(data: bytes) -> bytes:
    """Remove tensors and buffers that nothing reads: leftovers of the converter and of edits."""
    model = load_graph(data)
    graph = model.subgraphs[0]
    used = {int(i) for op in graph.operators for i in (*op.inputs, *op.outputs) if i >= 0}
    used |= {int(i) for i in (*graph.inputs, *graph.outputs)}
    kept = sorted(used)
    place = {old: new for new, old in enumerate(kept)}
    for operator in graph.operators:
        operator.inputs = _mapped(operator.inputs, place)
        operator.outputs = _mapped(operator.outputs, place)
    graph.inputs, graph.outputs = _mapped(graph.inputs, place), _mapped(graph.outputs, place)
    for entry in signature_entries(model):
        entry.tensorIndex = place[entry.tensorIndex]
    graph.tensors = [graph.tensors[old] for old in kept]
    _remove_unused_buffers(model)
    return save_graph(model)


def _remove_unused_buffers(model: Any) -> None:
    # Buffer 0 is the empty one by the schema's rule; metadata keeps buffers alive as tensors do.
    owners = [*model.subgraphs[0].tensors, *(model.metadata or [])]
    kept = sorted({0} | {owner.buffer for owner in owners})
    place = {old: new for new, old in enumerate(kept)}
    for owner in owners:
        owner.buffer = place[owner.buffer]
    # An array where the file has the field, which has no truth value.
    listed = [] if model.metadataBuffer is None else [int(i) for i in model.metadataBuffer]
    model.metadataBuffer = [place[i] for i in listed if i in place] or None
    model.buffers = [model.buffers[old] for old in kept]


def _find(model: Any, indices: list[int], old: Any) -> int:
    """Return the one tensor among `indices` that `old` (name, signature name or shape) means."""
    tensors = model.subgraphs[0].tensors
    shapes = {i: tuple(int(n) for n in tensors[i].shape) for i in indices}
    names = {i: {tensor_name(tensors[i])} for i in indices}
    for entry in signature_entries(model):
        names.get(int(entry.tensorIndex), set()).add(tensor_name(entry))
    found = [i for i in indices if shapes[i] == old or old in names[i]]
    if len(found) != 1:
        known = ", ".join(f"{sorted(names[i])} {shapes[i]}" for i in indices)
        raise ModelFileError(f"{old!r} fits {len(found)} of the tensors {known}, expected one")
    return found[0]


def _set_name(model: Any, index: int, name: str) -> None:
    model.subgraphs[0].tensors[index].name = name
    for entry in signature_entries(model):
        if entry.tensorIndex == index:
            entry.name = name


def _redirect(model: Any, moves: Mapping[int, int]) -> None:
    graph = model.subgraphs[0]
    graph.outputs = np.array([moves.get(int(i), int(i)) for i in graph.outputs], np.int32)
    for entry in signature_entries(model):
        entry.tensorIndex = moves.get(entry.tensorIndex, entry.tensorIndex)


def _mapped(indices: Any, place: Mapping[int, int]) -> Any:
    # -1 marks an optional input that is left out.
    return np.array([place[int(i)] if i >= 0 else -1 for i in indices], np.int32)
