"""What is fuzzed: the three places where bytes of others are read. Any bytes may give one of our
errors and nothing else; seeds are real files."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from faceage_calibration.label_file import match_labels, read_label_file
from faceage_convert.coral import preflight
from faceage_convert.inspection import operator_rows
from faceage_convert.schemes import check_weights, read_scheme
from faceage_edge.bundles import find
from faceage_edge.embedded import contract_bytes, model_digest, parse_contract, read_contract
from faceage_edge.errors import FaceageError
from faceage_edge.flatbuffer import read_model_file
from faceage_models.tflite_cost import graph_cost

__all__ = ["TARGETS", "Target"]

_WHERE = "fuzzed"


@dataclass(frozen=True)
class Target:
    """One reader: `run` reads any bytes and raises what a user would see as a traceback, `seeds`
    gives the inputs to begin with."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


def _read_tflite(data: bytes) -> None:
    try:
        model = read_model_file(data, _WHERE)
    except FaceageError:
        return
    # Each reads the same bytes on its own, and may refuse them on its own.
    for read in (
        lambda: read_scheme(model),
        lambda: check_weights(model, _WHERE),
        lambda: operator_rows(model),
        lambda: preflight(data, _WHERE),
        lambda: model_digest(data, _WHERE),
        lambda: read_contract(data, _WHERE),
        lambda: graph_cost(data),
    ):
        _allowed(read)


def _read_contract(data: bytes) -> None:
    def read() -> None:
        contract = parse_contract(data, _WHERE)
        again = parse_contract(contract_bytes(contract), _WHERE)
        # Not the contracts themselves: templates hold arrays, which have no one truth.
        assert again.to_json() == contract.to_json(), "a contract that writing changes"

    _allowed(read)


def _read_labels(data: bytes) -> None:
    def read() -> None:
        table = read_label_file(data, _WHERE)
        match_labels(table, {name: name for name in table.labels}, _WHERE)

    _allowed(read)


def _allowed(read: Callable[[], object]) -> None:
    with contextlib.suppress(FaceageError):
        read()


def _models() -> list[bytes]:
    names = ("mtcnn/mtcnn-pnet.int8.tflite", "mtcnn/mtcnn-pnet.float32.tflite")
    return [find(name).read_bytes() for name in names]


def _contracts() -> list[bytes]:
    names = ("age-mobilenet-coral/age-mobilenet-coral.int8", "mtcnn/mtcnn-pnet.float32")
    found = [find(f"{name}.json").read_bytes() for name in names]
    # Golden outputs are most of the bytes and are read later; without them fields come up more.
    bare = [json.dumps({**json.loads(text), "golden": {}}).encode() for text in found]
    return [*bare, *found]


def _tables() -> list[bytes]:
    return [
        b"file,age,gender,race\na.jpg,34,male,asian\nb.jpg,0,F,white\n",
        b"\xef\xbb\xbfImage;Age_Group;Box\r\nfolder/a.jpg;20-29;1 2 3 4\r\nb.jpg;more than 70;\r\n",
        b'path\tyears\tsex\n"a, b.jpg"\t34.5\tm\n',
    ]


TARGETS = {
    "tflite": Target(_read_tflite, _models),
    "contract": Target(_read_contract, _contracts),
    "labels": Target(_read_labels, _tables),
}
