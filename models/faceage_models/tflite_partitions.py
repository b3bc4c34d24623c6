"""Which operators of a model XNNPACK runs, and in how many pieces: what an operator left out costs
is not itself but the copies and the kernels around it."""

from dataclasses import dataclass
from typing import Any

from faceage_edge.interpreter import open_interpreter

__all__ = ["Partitions", "xnnpack_partitions"]

_DELEGATE = "DELEGATE"


@dataclass(frozen=True)
class Partitions:
    """`count` pieces run in XNNPACK; `left_out` names the operators that built-in kernels run."""

    count: int
    left_out: tuple[str, ...]


def xnnpack_partitions(data: bytes, where: str) -> Partitions:
    """Open a model with XNNPACK and see what it took.

    Args:
        data: the whole .tflite file.
        where: its name, for messages.

    Returns:
        The partitions as this machine's runtime makes them. An operator is left out when what it
        computes is needed and no piece computes it.

    Raises:
        ModelFileError: the model cannot be opened.
    """
    interpreter: Any = open_interpreter(data, where)
    nodes = interpreter._get_ops_details()
    pieces = [node for node in nodes if node["op_name"] == _DELEGATE]
    made_by = {int(i): node for node in nodes for i in node["outputs"]}
    # A piece's node comes after those it replaces, so it is the maker of what it hands out.
    made_by |= {int(i): piece for piece in pieces for i in piece["outputs"]}
    wanted = [int(details["index"]) for details in interpreter.get_output_details()]
    left_out: dict[int, str] = {}
    seen: set[int] = set()
    while wanted:
        tensor = wanted.pop()
        node = made_by.get(tensor)
        if tensor in seen or node is None:
            continue
        seen.add(tensor)
        if node["op_name"] != _DELEGATE:
            left_out[int(node["index"])] = str(node["op_name"])
        wanted += [int(i) for i in node["inputs"] if i >= 0]
    return Partitions(len(pieces), tuple(name for _, name in sorted(left_out.items())))
