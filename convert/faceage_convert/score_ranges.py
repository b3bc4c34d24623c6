"""Ranges of a detector's scores: where a face is decided, not where the background is refused.

A detector may answer -1,400 to a patch of sky. 256 steps over that leave none between "perhaps" and
"surely", which is all that matters: beyond a logit of 8 the probability is above 0.9997.
"""

from collections.abc import Mapping

from faceage_edge.contract import Contract
from faceage_edge.flatbuffer import ModelFile, Operator, read_model_file
from faceage_edge.operators import operator_names

__all__ = ["clip_scores"]

_LIMIT = 8.0
# What passes numbers on as they are, and what turns a logit into the probability that is an output.
_PASSING = ("CONCATENATION", "RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS")
_DECIDING = "LOGISTIC"

_Ranges = Mapping[str, tuple[float, float]]


def clip_scores(model: bytes, contract: Contract, ranges: _Ranges, where: str) -> _Ranges:
    """Cut the ranges of logits that become face scores to -8 to 8, and what saturates with them.

    Args:
        model: a float .tflite.
        contract: its contract; outputs of other heads keep their ranges.
        ranges: (smallest, largest) by tensor name.
        where: the model's name, for messages.

    Returns:
        The ranges, with those of the logits cut.
    """
    graph = read_model_file(model, where)
    makers = {index: number for number, one in enumerate(graph.operators) for index in one.outputs}
    names = operator_names(graph)
    index_of = {tensor.name: index for index, tensor in enumerate(graph.tensors)}
    cut: dict[str, tuple[float, float]] = {}
    for output in contract.outputs:
        if output.head == "face-logit":
            _cut_back(index_of[output.name], graph, makers, names, cut)
        elif output.head == "face-score":
            for logits in _logits_of(index_of[output.name], graph, makers, names):
                _cut_back(logits, graph, makers, names, cut)
    return {**ranges, **{name: pair for name, pair in cut.items() if name in ranges}}


def _cut_back(
    index: int,
    graph: ModelFile,
    makers: Mapping[int, int],
    names: tuple[str, ...],
    cut: dict[str, tuple[float, float]],
) -> None:
    """Cut a tensor and those it is put together from."""
    cut[graph.tensors[index].name] = (-_LIMIT, _LIMIT * 127 / 128)
    number = makers.get(index)
    if number is not None and names[number] in _PASSING:
        for source in _read(graph, graph.operators[number]):
            _cut_back(source, graph, makers, names, cut)


def _logits_of(
    index: int, graph: ModelFile, makers: Mapping[int, int], names: tuple[str, ...]
) -> list[int]:
    """The tensors that LOGISTIC turns into a tensor of probabilities."""
    number = makers.get(index)
    if number is None:
        return []
    sources = _read(graph, graph.operators[number])
    if names[number] == _DECIDING:
        return sources
    if names[number] not in _PASSING:
        return []
    return [found for source in sources for found in _logits_of(source, graph, makers, names)]


def _read(graph: ModelFile, operator: Operator) -> list[int]:
    return [i for i in operator.inputs if i >= 0 and not graph.tensors[i].constant]
