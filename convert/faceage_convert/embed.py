"""Write a contract into a model file."""

from dataclasses import replace
from typing import Any

from faceage_edge.contract import Contract
from faceage_edge.embedded import METADATA_NAME, contract_bytes, model_digest
from faceage_edge.errors import missing_extra
from faceage_edge.flatbuffer import read_model_file

__all__ = ["embed_contract", "without_contract"]

_NO_DIGEST = "0" * 64


def embed_contract(model: bytes, contract: Contract, where: str) -> tuple[bytes, Contract]:
    """Put a contract into a .tflite file as the metadata buffer `faceage.contract`.

    The digest that the contract states is taken over the file with the contract's bytes zeroed;
    it always has 64 digits, so the contract's length, and with it the file's layout, is known
    before the digest is.

    Args:
        model: the whole .tflite file; a contract already in it is replaced.
        contract: what to write; its `provenance.model_digest` is filled in here.
        where: the file's name, for messages.

    Returns:
        The new file and the contract as written.
    """
    blank = _with_digest(contract, _NO_DIGEST)
    written = _with_metadata(model, contract_bytes(blank))
    final = _with_digest(contract, model_digest(written, where))
    start, length = read_model_file(written, where).metadata[METADATA_NAME]
    text = contract_bytes(final)
    assert len(text) == length
    return written[:start] + text + written[start + length :], final


def without_contract(model: bytes) -> bytes:
    """Write a .tflite file anew without a contract; whatever else it holds stays."""
    return _with_metadata(model, None)


def _with_digest(contract: Contract, digest: str) -> Contract:
    return replace(contract, provenance={**contract.provenance, "model_digest": digest})


def _with_metadata(model: bytes, text: bytes | None) -> bytes:
    try:
        import numpy as np
        from ai_edge_litert import schema_py_generated as schema
        from ai_edge_litert.tools import flatbuffer_utils
    except ImportError as error:
        raise missing_extra("ai_edge_litert", "convert") from error
    tree: Any = flatbuffer_utils.convert_bytearray_to_object(bytearray(model))
    _take_in(tree.buffers, model)
    entries = list(tree.metadata or [])
    # An old contract's buffer is emptied, not removed: buffers are referred to by number.
    for entry in entries:
        if entry.name == METADATA_NAME.encode():
            tree.buffers[entry.buffer].data = None
    tree.metadata = [entry for entry in entries if entry.name != METADATA_NAME.encode()]
    if text is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(text, dtype=np.uint8)
        tree.buffers.append(buffer)
        entry = schema.MetadataT()
        entry.name = METADATA_NAME.encode()
        entry.buffer = len(tree.buffers) - 1
        tree.metadata.append(entry)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(tree))


def _take_in(buffers: list[Any], model: bytes) -> None:
    """Bring weights that lie behind the flatbuffer into it: packing anew would lose them."""
    import numpy as np

    for buffer in buffers:
        # Offsets 0 and 1 mean that the buffer's bytes are inside (TensorFlow Lite schema).
        if buffer.offset > 1:
            part = model[buffer.offset : buffer.offset + buffer.size]
            buffer.data = np.frombuffer(part, dtype=np.uint8)
            buffer.offset = buffer.size = 0
