"""Write a contract into a model file."""

from typing import Any

import numpy as np

from faceage_edge.contract import Contract
from faceage_edge.embedded import METADATA_NAME, contract_bytes, model_digest, seal
from faceage_edge.flatbuffer import read_model_file
from faceage_models.tflite_graph import load_graph, save_graph

__all__ = ["embed_contract", "without_contract"]

_NO_DIGEST = "0" * 64


def embed_contract(model: bytes, contract: Contract, where: str) -> tuple[bytes, Contract]:
    """Put a contract into a .tflite file as the metadata buffer `faceage.contract`.

    The contract states two digests: of the file with the contract's bytes zeroed, and of its own
    bytes. Both always have 64 digits, so the contract's length, and with it the file's layout, is
    known before they are.

    Args:
        model: the whole .tflite file; a contract already in it is replaced.
        contract: what to write; its `provenance` gets both digests here.
        where: the file's name, for messages.

    Returns:
        The new file and the contract as written.

    Raises:
        ModelFileError: the file is no TensorFlow Lite model of one graph, or a damaged one.
        MissingExtraError: `ai_edge_litert` is not installed.
    """
    written = _with_metadata(model, contract_bytes(seal(contract, _NO_DIGEST)), where)
    final = seal(contract, model_digest(written, where))
    start, length = read_model_file(written, where).metadata[METADATA_NAME]
    text = contract_bytes(final)
    assert len(text) == length
    return written[:start] + text + written[start + length :], final


def without_contract(model: bytes, where: str = "the model") -> bytes:
    """Write a .tflite file anew without a contract; whatever else it holds stays.

    Raises:
        ModelFileError: no TensorFlow Lite model of one graph, or a damaged one.
    """
    return _with_metadata(model, None, where)


def _with_metadata(model: bytes, text: bytes | None, where: str) -> bytes:
    tree = load_graph(model, where)
    entries = list(tree.metadata or [])
    places = [entry.buffer for entry in entries if entry.name == METADATA_NAME.encode()]
    for place in places:
        # Emptied, not removed, since buffers are referred to by number.
        tree.buffers[place].data = None
    if text is None:
        tree.metadata = [entry for entry in entries if entry.name != METADATA_NAME.encode()]
    elif places:
        tree.buffers[places[0]].data = np.frombuffer(text, dtype=np.uint8)
    else:
        tree.metadata = entries
        _append(tree, text)
    return save_graph(tree)


def _append(tree: Any, text: bytes) -> None:
    # Loading the tree has made sure that the schema is installed.
    from ai_edge_litert.schema_py_generated import BufferT, MetadataT

    buffer, entry = BufferT(), MetadataT()
    buffer.data = np.frombuffer(text, dtype=np.uint8)
    entry.name = METADATA_NAME.encode()
    entry.buffer = len(tree.buffers)
    tree.buffers.append(buffer)
    tree.metadata.append(entry)
