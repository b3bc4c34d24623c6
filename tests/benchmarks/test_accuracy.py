"""The accuracy command on made-up faces whose colour is the age a fake model reads off them."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceage_benchmarks import accuracy, cli
from faceage_benchmarks.figures import recompute
from faceage_benchmarks.opened import OpenedModel
from faceage_benchmarks.pictures_seen import range_pictures
from faceage_benchmarks.predict import age_predictor, same_template
from faceage_benchmarks.result import read_result
from faceage_edge.contract import Contract, Crop, Input, Interval, Normalisation, Output
from faceage_edge.errors import ContractError
from faceage_edge.geometry import CropTemplate, Face, FrameBox, FrameLandmarks

POINTS = np.array([[8.0, 10], [22, 10], [15, 17], [10, 23], [20, 23]])
BYTES = Normalisation("affine", (0.0,) * 3, (1.0,) * 3)
INTERVAL = Interval(coverage=0.9, low=-2.0, high=3.0, floor=2.0, n=100)


def contract(**changes: Any) -> Contract:
    """Return the contract of an age model on crops of 32 x 32 pixels."""
    made = Contract(
        task="age",
        name="fake",
        licence="none",
        input=Input("input", 1, 32, 32, "BGR", "float32", 1.0, 0, BYTES),
        crop=Crop("template", CropTemplate(32, 32, POINTS)),
        outputs=(Output("age", "regression", "float32", 1.0, 0, 1),),
        provenance={"scheme": "float32", "model_digest": "5" * 64},
    )
    return replace(made, **changes)


def fake_model(name: str, made: Contract, shift: float = 0.0) -> OpenedModel:
    """Return a model that reads the age off a crop's blue channel, and adds a shift."""

    def run(crops: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
        return {"age": crops[..., 0].mean(axis=(1, 2))[:, None].astype(np.float32) + shift}

    identity = {"path": name, "name": made.name, "task": made.task, "digest": made.model_digest}
    return OpenedModel(identity | {"scheme": made.scheme, "bytes": 9}, made, run)


@pytest.fixture
def open_fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Return what puts fake models where the command opens files; names are m and n."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def put(m: OpenedModel, n: OpenedModel | None = None) -> None:
        models = {"m": m, "n": n}
        monkeypatch.setattr(accuracy, "open_model", lambda name, **_: models[name])

    return put


class FakeDetector:
    """Finds one face in every picture but those whose green is 200."""

    digest = "d" * 64
    scheme = "int8"

    def detect(self, frame: np.ndarray[Any, Any], *, min_face: float = 40) -> list[Face]:
        if frame[0, 0, 1] == 200:
            return []
        size = float(min(frame.shape[:2]))
        landmarks = FrameLandmarks(POINTS / 32 * size)
        return [Face(FrameBox(0, 0, size, max(size, min_face)), landmarks, 0.9)]


def write_faces(folder: Path, faces: Sequence[tuple[str, int, int]]) -> Path:
    """Write one-coloured pictures: name, blue (the age that fakes see) and green."""
    folder.mkdir()
    for number, (name, blue, green) in enumerate(faces):
        picture = np.full((40, 40, 3), (blue, green, number), np.uint8)
        (folder / name).write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return folder


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Four faces named as UTKFace names them; fakes are wrong by 0, 2, 4 and 10 years."""
    rows = [
        ("20_0_0_20170101.png", 20, 0),
        ("30_1_0_20170102.png", 32, 0),
        ("35_0_1_20170103.png", 39, 200),
    ]
    return write_faces(tmp_path / "faces", [*rows, ("50_1_1_20170104.png", 40, 0)])


def measure(out: Path, *words: str) -> dict[str, Any]:
    """Run the command; return the file it wrote."""
    assert cli.main(["accuracy", "--model", "m", "--json", str(out), *words]) == 0
    return read_result(out)


def test_aligned_crops(open_fakes: Callable[..., None], faces: Path, tmp_path: Path) -> None:
    """By the set's own alignment nobody is missed, and every face counts."""
    open_fakes(fake_model("m", contract()))
    result = measure(tmp_path / "r.json", "--faces", str(faces), "--crops", "aligned")
    assert result["samples"]["predicted"] == [20.0, 32.0, 39.0, 40.0]
    assert (result["mae"], result["mae_found"], result["missed"]) == (4.0, 4.0, 0)
    assert (result["crops"], result["detector"]) == ("aligned", None)
    assert result["set"]["path"] == str(faces)
    assert (result["set"]["pictures"], result["set"]["convention"]) == (4, "utkface")
    assert result["model"]["digest"] == "5" * 64
    assert "interval_coverage" not in result
    assert result["samples"]["gender"] == ["male", "female", "male", "female"]
    assert result["samples"]["ethnicity"] == ["White", "White", "Black", "Black"]
    assert [group["n"] for group in result["by_ethnicity"]["groups"]] == [2, 2]
    assert "nominal" not in result["samples"]


def test_detected_crops(
    open_fakes: Callable[..., None],
    faces: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A missed face counts in mae and not in mae_found; the detector is named."""
    open_fakes(fake_model("m", contract()))
    monkeypatch.setattr(accuracy, "named_detector", lambda name, **_: FakeDetector())
    result = measure(tmp_path / "r.json", "--faces", str(faces))
    assert (result["missed"], result["missed_share"]) == (1, 0.25)
    assert (result["mae"], result["mae_found"]) == (4.0, pytest.approx((0 + 2 + 10) / 3))
    assert result["detector"] == {"path": "int8", "digest": "d" * 64, "scheme": "int8"}
    assert result["samples"]["found"] == [True, True, False, True]


def test_two_models_get_the_same_crops(
    open_fakes: Callable[..., None], faces: Path, tmp_path: Path
) -> None:
    """Against a model that is 1 year younger everywhere: the paired difference is exact."""
    open_fakes(fake_model("m", contract()), fake_model("n", contract(), shift=-1.0))
    words = ["--faces", str(faces), "--crops", "aligned", "--against", "n"]
    result = measure(tmp_path / "r.json", *words)
    assert (result["delta_mae"], result["max_abs_difference"]) == (0.0, 1.0)
    assert result["against"]["path"] == "n"
    assert result["against_figures"]["mae"] == 4.0


def test_list(
    open_fakes: Callable[..., None],
    faces: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Predicted against true, a line a face; beside the JSON on stdout it goes to stderr."""
    open_fakes(fake_model("m", contract()))
    words = ["--faces", str(faces), "--crops", "aligned", "--list"]
    measure(tmp_path / "r.json", *words)
    lines = capsys.readouterr().out.splitlines()[:4]
    assert lines[0] == "20_0_0_20170101.png  true    20  predicted  20.0  +0.0"
    assert lines[3] == "50_1_1_20170104.png  true    50  predicted  40.0  -10.0"
    assert cli.main(["accuracy", "--model", "m", "--json", "-", *words]) == 0
    said = capsys.readouterr()
    assert lines[1] in said.err and lines[1] not in said.out
    assert json.loads(said.out)["kind"] == "accuracy"


def test_groups(open_fakes: Callable[..., None], faces: Path, tmp_path: Path) -> None:
    """A model of age groups is scored as a classifier too, as far as both say the same groups."""
    bounds = ((0.0, 25.0), (25.0, 34.0), (34.0, 60.0))
    output = Output("age", "groups", "float32", 1.0, 0, 3, bounds=bounds)

    def grouped(name: str, limits: Sequence[float]) -> OpenedModel:
        def run(crops: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
            blue = crops[..., 0].mean(axis=(1, 2))
            chosen = np.digitize(blue, limits)
            return {"age": 4 * np.eye(3, dtype=np.float32)[chosen]}

        return replace(fake_model(name, contract(outputs=(output,))), run=run)

    # The second takes the one seen as 32 for older than he is.
    open_fakes(grouped("m", [25, 34]), grouped("n", [25, 31]))
    words = ["--faces", str(faces), "--crops", "aligned", "--against", "n"]
    result = measure(tmp_path / "r.json", *words)
    assert result["group_scores"]["confusion"] == [[1, 0, 0], [0, 1, 0], [0, 0, 2]]
    assert result["against_group_scores"]["confusion"] == [[1, 0, 0], [0, 0, 1], [0, 0, 2]]
    assert (result["group_scores"]["majority"], result["delta_accuracy"]) == (0.5, 0.25)
    again = recompute(result)
    assert {key: result[key] for key in again} == again
    open_fakes(grouped("m", [25, 34]), fake_model("n", contract()))
    result = measure(tmp_path / "r.json", *words)
    assert "group_scores" in result and "against_group_scores" not in result


def test_interval(open_fakes: Callable[..., None], faces: Path, tmp_path: Path) -> None:
    """A fitted interval of -4 to +6 years holds three of the four ages."""
    open_fakes(fake_model("m", contract(interval=INTERVAL)))
    result = measure(tmp_path / "r.json", "--faces", str(faces), "--crops", "aligned")
    assert (result["interval_coverage"], result["interval_width"]) == (0.75, 10.0)
    assert (result["intervals"]["nominal"], result["intervals"]["coverage"]) == (0.9, 0.75)


def test_csv(open_fakes: Callable[..., None], faces: Path, tmp_path: Path) -> None:
    """The CSV has a line a face, with its digest and interval."""
    open_fakes(fake_model("m", contract(interval=INTERVAL)))
    table = tmp_path / "faces.csv"
    words = ["--faces", str(faces), "--crops", "aligned", "--csv", str(table)]
    result = measure(tmp_path / "r.json", *words)
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert list(rows[0]) == ["file", "digest", "true", "predicted", "low", "high", "found"]
    assert [row["file"] for row in rows] == [
        *(
            "20_0_0_20170101.png",
            "30_1_0_20170102.png",
            "35_0_1_20170103.png",
            "50_1_1_20170104.png",
        )
    ]
    assert [row["digest"][:12] for row in rows] == result["samples"]["faces"]
    assert [row["true"] for row in rows] == ["20", "30", "35", "50"]
    assert (rows[1]["predicted"], rows[1]["low"], rows[1]["high"]) == ("32.0", "28.0", "38.0")


def test_bins(open_fakes: Callable[..., None], tmp_path: Path) -> None:
    """A set with age bins is measured in years outside them, and its CSV writes bins."""
    open_fakes(fake_model("m", contract()))
    folder = write_faces(tmp_path / "binned", [("a.png", 25, 0), ("b.png", 60, 0)])
    (folder / "labels.csv").write_text(
        "file,age_bin,gender,race\na.png,20-29,Male,x\nb.png,more than 70,Female,x\n"
    )
    table = tmp_path / "faces.csv"
    words = ["--faces", str(folder), "--crops", "aligned", "--csv", str(table)]
    result = measure(tmp_path / "r.json", *words)
    assert result["samples"]["true"] == [[20.0, 30.0], [70.0, None]]
    assert (result["outside_bin"], result["bin_accuracy"]) == (5.0, 0.5)
    assert [row["true"] for row in csv.DictReader(table.read_text().splitlines())] == [
        "20-29",
        "70+",
    ]


def test_limit_is_seeded(open_fakes: Callable[..., None], faces: Path, tmp_path: Path) -> None:
    """--limit measures that many faces, the same ones for the same seed."""
    open_fakes(fake_model("m", contract()))
    words = ["--faces", str(faces), "--crops", "aligned", "--limit", "2", "--seed", "7"]
    first, again = (measure(tmp_path / f"{name}.json", *words) for name in "ab")
    assert first["n"] == 2
    assert first["samples"] == again["samples"]
    assert first["seeds"] == {"choice": 7}
    assert first["set"]["digest"] == again["set"]["digest"]


def calibrated_on(digests: str, key: str = "calibration") -> Contract:
    """Return a contract whose conversion saw pictures with these digits run together."""
    record = {"n": 1, "pictures": digests} if key == "calibration" else digests
    return contract(provenance={"scheme": "int8", "model_digest": "5" * 64, key: record})


@pytest.mark.parametrize("which", ["model", "against"])
def test_overlap_with_calibration(
    open_fakes: Callable[..., None], faces: Path, tmp_path: Path, capsys: Any, which: str
) -> None:
    """A picture that the ranges saw cannot be measured on, by either model."""
    open_fakes(fake_model("m", contract()))
    result = measure(tmp_path / "r.json", "--faces", str(faces), "--crops", "aligned")
    seen = fake_model("m", calibrated_on("0" * 10 + result["samples"]["faces"][1][:10]))
    clean = fake_model("n", contract())
    open_fakes(*((seen, clean) if which == "model" else (clean, seen)))
    target = tmp_path / "again.json"
    words = ["accuracy", "--model", "m", "--against", "n", "--faces", str(faces)]
    assert cli.main([*words, "--crops", "aligned", "--json", str(target)]) == 1
    message = capsys.readouterr().err
    assert "1 of 4" in message
    assert "30_1_0_20170102.png" in message
    assert not target.exists()


def test_overlap_with_the_interval(
    open_fakes: Callable[..., None], faces: Path, tmp_path: Path
) -> None:
    """A picture that the interval alone saw has an error and no interval."""
    open_fakes(fake_model("m", contract(interval=INTERVAL)))
    words = ["--faces", str(faces), "--crops", "aligned"]
    before = measure(tmp_path / "r.json", *words)
    digest = before["samples"]["faces"][1][:10]
    made = calibrated_on(digest, "interval_pictures")
    open_fakes(fake_model("m", replace(made, interval=INTERVAL)))
    result = measure(tmp_path / "again.json", *words)
    assert result["mae"] == before["mae"]
    assert result["samples"]["low"][1] is None and result["samples"]["high"][1] is None
    assert (before["intervals"]["n"], result["intervals"]["n"]) == (4, 3)
    again = recompute(result)
    assert {key: result[key] for key in again} == again


@pytest.mark.parametrize("record", ["123", ["0123456789"], 5])
def test_unknown_record_of_calibration(record: object) -> None:
    """A record in a form that is not known cannot rule an overlap out."""
    made = contract(provenance={"calibration": {"pictures": record}})
    with pytest.raises(ContractError, match="overlap"):
        range_pictures(made)


def test_models_of_different_crops_are_not_compared(
    open_fakes: Callable[..., None], faces: Path, tmp_path: Path, capsys: Any
) -> None:
    """Two templates have no identical crops; the message says what to do instead."""
    other = contract(crop=Crop("template", CropTemplate(32, 32, POINTS + 1)))
    open_fakes(fake_model("m", contract()), fake_model("n", other))
    words = ["accuracy", "--model", "m", "--against", "n", "--faces", str(faces)]
    target = tmp_path / "r.json"
    assert cli.main([*words, "--crops", "aligned", "--json", str(target)]) == 1
    assert "compare the files" in capsys.readouterr().err


def test_templates_equal_but_for_rounding() -> None:
    """A template that went through JSON is the same one."""
    rounded = contract(crop=Crop("template", CropTemplate(32, 32, POINTS + 4e-4)))
    first, second = (age_predictor(fake_model("m", made)) for made in (contract(), rounded))
    assert same_template(first, second)


NOT_AGES = [
    # contract, part of the message, note
    (contract(task="face-detector"), "face-detector", "a detector"),
    (contract(crop=Crop("box", margin=0.4)), "crops by box", "crops by box are not cut here yet"),
]


@pytest.mark.parametrize(("made", "message", "note"), NOT_AGES)
def test_models_that_cannot_be_measured(made: Contract, message: str, note: str) -> None:
    """A model that says no age, or wants another kind of crop, is refused."""
    with pytest.raises(ContractError) as caught:
        age_predictor(fake_model("m", made))
    assert message in str(caught.value), note


def test_exact_ages_and_bins_in_one_set(
    open_fakes: Callable[..., None], tmp_path: Path, capsys: Any
) -> None:
    """Errors in years and distances from bins do not average."""
    open_fakes(fake_model("m", contract()))
    folder = write_faces(tmp_path / "mixed", [("a.png", 25, 0), ("b.png", 60, 0)])
    (folder / "labels.csv").write_text("file,age,age_bin\na.png,25,\nb.png,,60-69\n")
    words = ["accuracy", "--model", "m", "--faces", str(folder), "--crops", "aligned"]
    assert cli.main([*words, "--json", str(tmp_path / "r.json")]) == 1
    assert "apart" in capsys.readouterr().err


def test_shipped_models_on_real_faces(
    shipped: Any, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """int8 against float on 24 held-out faces: found, and less than 2 years apart on average."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    out = tmp_path / "r.json"
    models = ["--model", str(shipped.age_int8), "--against", str(shipped.age_float)]
    words = ["--faces", str(shared_data / "data" / "utkface-dev.tar"), "--limit", "24"]
    assert cli.main(["accuracy", *models, *words, "--json", str(out)]) == 0
    result = read_result(out)
    assert (result["n"], result["crops"], result["detector"]["scheme"]) == (24, "detect", "int8")
    assert result["missed"] <= 4
    assert result["mean_abs_difference"] < 2
    assert result["mae"] < 15
    assert json.loads(out.read_text())["set"]["alignment"] == "utkface"


def test_shipped_model_refuses_its_calibration_faces(
    shipped: Any, shared_data: Path, tmp_path: Path, capsys: Any
) -> None:
    """The shipped int8 model was calibrated on utkface-calib and is not measured there."""
    words = ["--faces", str(shared_data / "data" / "utkface-calib.tar"), "--crops", "aligned"]
    target = tmp_path / "r.json"
    models = ["--model", str(shipped.age_int8)]
    assert cli.main(["accuracy", *models, *words, "--json", str(target)]) == 1
    assert "calibration" in capsys.readouterr().err
