"""Gender as a second output: what it learns from, and the file that comes of it."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.models.cut_faces import faces

from faceage_calibration.labels import Label
from faceage_edge.age import decode_ages
from faceage_models.age_faces import label_genders
from faceage_models.age_gender import gender_targets, with_gender
from faceage_models.age_heads import HEADS
from faceage_models.age_pack import read_pack, write_pack
from faceage_models.keras2_file import write_keras2
from faceage_models.keras_file import float_tflite
from faceage_models.keras_loading import load_keras
from faceage_models.same_answers import tflite_answers
from faceage_models.specification import Hints, describe_float
from faceage_models.train_age import main


def test_genders_of_labels() -> None:
    """The two that sets state are numbers; other words and none are not known."""
    labels = [Label(years=1, gender=gender) for gender in ("female", "male", None, "other")]
    np.testing.assert_array_equal(label_genders(labels), [1, 0, np.nan, np.nan])


def test_targets() -> None:
    """Behind the age's: one of two, or neither where the gender is unknown."""
    genders = np.array([1, 0, np.nan], np.float32)
    found = gender_targets(np.full((3, 1), 0.5, np.float32), genders)
    assert found.tolist() == [[0.5, 0, 1], [0.5, 1, 0], [0.5, 0, 0]]
    assert found.dtype == np.float32


def test_a_face_of_unknown_gender_teaches_its_age_alone(keras: Any) -> None:
    """Its loss is the age's; that of a wrong gender is more, of a right one hardly more."""
    head = with_gender(HEADS["regression"], 1.0)
    targets = gender_targets(np.full((3, 2), 0.3, np.float32), np.array([0, 1, np.nan], np.float32))
    outputs = keras.ops.convert_to_tensor(np.array([[0.31, 9.0, -9.0]] * 3, np.float32))
    right, wrong, unknown = np.asarray(head.loss(targets, outputs, None))
    assert unknown == pytest.approx(1.0, abs=1e-4)
    assert right == pytest.approx(1.0, abs=1e-3) and wrong == pytest.approx(19.0, abs=1e-3)
    np.testing.assert_allclose(head.years(np.asarray(outputs)), [31.0] * 3, atol=1e-4)


def test_a_pack_keeps_them(tmp_path: Path) -> None:
    """With the unknown ones; a file of before states none."""
    path = tmp_path / "some.faces.npz"
    write_pack(faces(5), path)
    np.testing.assert_array_equal(read_pack(path).genders, [0, 1, np.nan, 0, 1])
    with np.load(path) as kept:
        older = {key: kept[key] for key in kept.files if key != "genders"}
    np.savez(path, **older)
    assert np.isnan(read_pack(path).genders).all()


def write_faces(folder: Path, count: int, first: int) -> Path:
    """Squares, the greener the older, with much red for women."""
    folder.mkdir()
    for number in range(first, first + count):
        years, female = 1 + number * 7 % 88, number % 2
        picture = np.full((60, 60, 3), (number % 251, 40 + 2 * years, 200 * female), np.uint8)
        name = f"{years}_{female}_0_{20170109000000000 + number}.png"
        cv2.imwrite(str(folder / name), picture)
    return folder


def test_a_model_of_both(tmp_path: Path) -> None:
    """Trained, it tells both, as two outputs of every file, and the contract names them."""
    sets = write_faces(tmp_path / "train", 120, 0), write_faces(tmp_path / "dev", 40, 500)
    words = ["--data", str(sets[0]), "--validate", str(sets[1]), "--out", str(tmp_path)]
    words += ["--backbone", "lenet", "--size", "32", "--alpha", "0.5", "--head", "age-vector"]
    words += ["--gender", "20", "--epochs", "15", "--batch", "24", "--rate", "0.01"]
    assert main([*words, "--augment", "none"]) == 0
    model = load_keras(tmp_path / "best.keras")
    assert [tensor.shape[-1] for tensor in model.outputs] == [101, 2]
    stated = json.loads((tmp_path / "best.json").read_text())["outputs"]
    assert [(one["name"], one["head"]) for one in stated] == [
        ("ages", "distribution"), ("gender", "gender"),
    ]  # fmt: skip
    write_keras2(tmp_path, tmp_path / "theirs.h5")
    for name, hints in (("best.keras", "best.json"), ("theirs.h5", "theirs.contract.json")):
        path = tmp_path / name
        data = float_tflite(path).data
        source = describe_float(data, path, Hints(contract=tmp_path / hints))
        assert {out.head for out in source.contract.outputs} == {"distribution", "gender"}
        for red, gender in ((0.0, 1), (-1.0, 0)):
            # A green of 1.2 x 128 is that of 57 years.
            pixels = np.full((1, 32, 32, 3), (red, 0.2, -1), np.float32)
            answers = tflite_answers(source.data, pixels, name)
            assert answers["gender"].argmax() == gender
            assert decode_ages(answers, source.contract).years[0] == pytest.approx(57, abs=20)


WRONG = [
    (["--gender", "1", "--also-distribution", "1"], "not beside --also-distribution"),
    (["--gender", "-1"], "--gender is above 0"),
]


@pytest.mark.parametrize(("words", "message"), WRONG)
def test_usage(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not go together is refused."""
    with pytest.raises(SystemExit) as stopped:
        main(["--data", "a", "--validate", "b", "--out", "c", *words])
    assert stopped.value.code == 2 and message in capsys.readouterr().err
