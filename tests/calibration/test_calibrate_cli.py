"""The command `faceage-calibrate`, from its arguments to files and exit codes."""

import json
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from faceage_calibration.cli import main
from faceage_calibration.progress import Progress
from faceage_calibration.ranges import read_ranges
from faceage_calibration.shape_file import read_shape
from faceage_edge.age import load_age_model
from faceage_edge.model import load_model

Write = Callable[[Mapping[str, bytes]], Path]
Pictures = Callable[..., dict[str, bytes]]

AGE = "age-mobilenet-coral/age-mobilenet-coral.float32.tflite"


@pytest.fixture
def chips(write_tar: Write, pictures: Pictures) -> Path:
    """An archive of 24 one-coloured chips with UTKFace names, ages 0, 4, ... 92."""
    names = [f"{age}_{age // 4 % 2}_0_20170110{age:03d}.png" for age in range(0, 96, 4)]
    return write_tar(pictures(*names, side=40))


def test_ranges_of_an_age_model(chips: Path, tmp_path: Path) -> None:
    """The ranges of a float age model name the model and the faces chosen."""
    out = tmp_path / "age.ranges.json"
    assert (
        main(["ranges", "--model", AGE, "--faces", str(chips), "--count", "6", "--out", str(out)])
        == 0
    )
    written = read_ranges(out)
    assert written.calibration.n == len(written.calibration.pictures) == 6
    assert {"input", "ranks"} <= written.tensors.keys()
    assert all(low <= high for low, high in written.tensors.values())


def test_ranges_name_the_model_they_belong_to(chips: Path, tmp_path: Path, repo_root: Path) -> None:
    """The digest in the file is that of the model's contract; the tensors are the shipped ones."""
    out = tmp_path / "age.ranges.json"
    main(["ranges", "--model", AGE, "--faces", str(chips), "--count", "2", "--out", str(out)])
    model = load_model(repo_root / "models" / AGE)
    shipped = read_ranges(
        repo_root / "models" / "age-mobilenet-coral" / "age-mobilenet-coral.ranges.json"
    )
    assert read_ranges(out).model_digest == model.digest == shipped.model_digest
    assert read_ranges(out).tensors.keys() == shipped.tensors.keys()


def test_ranges_of_a_detector(shared_data: Path, tmp_path: Path) -> None:
    """A folder with a float detector gives one file a network, recorded on composed scenes."""
    faces = shared_data / "data" / "utkface-calib.tar"
    arguments = ["--model", "mtcnn", "--faces", str(faces), "--count", "8", "--out", str(tmp_path)]
    assert main(["ranges", *arguments]) == 0
    for network in ("pnet", "rnet", "onet"):
        written = read_ranges(tmp_path / f"mtcnn-{network}.ranges.json")
        assert written.calibration.n == 8
        assert {"input", "box", "face_logit"} <= written.tensors.keys()
        assert all(low < high for low, high in written.tensors.values())


def test_an_interval(shared_data: Path, tmp_path: Path) -> None:
    """The interval of the shipped model covers what it says and names what it was fitted on."""
    out = tmp_path / "interval.json"
    faces = shared_data / "data" / "utkface-calib.tar"
    assert main(["interval", "--model", AGE, "--faces", str(faces), "--json", str(out)]) == 0
    document = json.loads(out.read_text())
    fitted = document["interval"]
    assert fitted["low"] < 0 < fitted["high"]
    assert (fitted["coverage"], fitted["n"]) == (0.9, 786)
    # Fitted and covered on the same faces: 90 % within one face on each side.
    assert 0.9 <= document["covered_when_fitted"] <= 0.9 + 4 / 786
    assert document["calibration"]["n"] == len(document["calibration"]["pictures"]) == 786


def test_an_interval_beside_its_model(
    shared_data: Path, shipped: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a file named it lies where the device takes it, as wide in proportion as before."""
    model = Path(shutil.copy(shipped.age_int8, tmp_path))
    faces = str(shared_data / "data" / "utkface-calib.tar")
    assert main(["interval", "--model", str(model), "--faces", faces, "--coverage", "0.8"]) == 0
    before, after = (load_age_model(model, own_interval=own).contract for own in (False, True))
    assert before.interval is not None and after.interval is not None
    assert (after.interval.coverage, after.interval.n) == (0.8, 786)
    assert after.interval.high < before.interval.high
    assert after.interval.shape == before.interval.shape is not None
    assert len(after.provenance["interval_pictures"]) == 786 * 10
    said = capsys.readouterr().out
    assert "holds 80% of faces like these 786, of which the model's own, stating 90%, holds" in said


def test_a_shape(shared_data: Path, tmp_path: Path) -> None:
    """The shape of the shipped model makes the old older, and an interval of it is narrower for
    children than for adults."""
    out, fitted = tmp_path / "shape.json", tmp_path / "interval.json"
    faces = ["--faces", str(shared_data / "data" / "utkface-calib.tar")]
    assert main(["shape", "--model", "age-mobilenet-coral", *faces, "--out", str(out)]) == 0
    shape = read_shape(out)
    assert shape.model == "age-mobilenet-coral"
    assert shape.calibration.n == 786
    assert shape.years_curve[-1][1] > 100
    rest = ["--shape", str(out), "--json", str(fitted)]
    assert main(["interval", "--model", AGE, *faces, *rest]) == 0
    reach = json.loads(fitted.read_text())["interval"]["shape"]
    assert reach["above"][0] < reach["above"][-2]


def test_an_alignment(shared_data: Path, tmp_path: Path) -> None:
    """Landmarks of a few faces are a face, and the file says what they were measured on."""
    out = tmp_path / "alignment.json"
    faces = shared_data / "data" / "utkface-calib.tar"
    arguments = ["--faces", str(faces), "--convention-name", "mine", "--count", "12"]
    assert main(["alignment", *arguments, "--json", str(out)]) == 0
    entry = json.loads(out.read_text())["mine"]
    assert entry["n"] + entry["missed"] == 12
    assert all(
        math.isfinite(value) and 0 < value < 200 for point in entry["landmarks"] for value in point
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["ranges", "--model", "nowhere.tflite", "--out", "{tmp}/r"], "no model", id="model"
        ),
        pytest.param(
            ["ranges", "--model", "{chips}", "--out", "{tmp}/r"],
            "not a TensorFlow Lite",
            id="a tar",
        ),
        pytest.param(
            ["ranges", "--model", "mtcnn/mtcnn-pnet.float32.tflite", "--out", "{tmp}/r"],
            "give the folder",
            id="one network of a detector",
        ),
        pytest.param(
            ["ranges", "--model", AGE, "--out", "{tmp}/missing/r"],
            "is no folder",
            id="no out folder",
        ),
        pytest.param(["ranges", "--model", AGE, "--out", "{tmp}"], "is a folder", id="out is one"),
        pytest.param(
            ["ranges", "--model", "mtcnn", "--out", "{tmp}/r"], "is no folder", id="detector's out"
        ),
        pytest.param(
            ["ranges", "--model", "{tmp}", "--out", "{tmp}"],
            "lacks the detector's",
            id="a folder without a detector",
        ),
        pytest.param(
            ["interval", "--model", "mtcnn/mtcnn-pnet.float32.tflite", "--json", "{tmp}/i"],
            "expected an age model",
            id="interval of a detector",
        ),
        pytest.param(
            ["interval", "--model", AGE, "--coverage", "0.99", "--json", "{tmp}/i"],
            "24 faces are too few",
            id="coverage too high for so few",
        ),
        pytest.param(
            ["alignment", "--convention-name", "a", "--detector", "{tmp}", "--json", "{tmp}/a"],
            "lacks the int8 face detector",
            id="a folder without models",
        ),
    ],
)
def test_mistakes_have_one_message(
    chips: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """Each mistake ends in one line on stderr, an exit code, and nothing written."""
    before = sorted(tmp_path.iterdir())
    filled = [argument.format(tmp=tmp_path, chips=chips) for argument in arguments]
    code = main([*filled, "--faces", str(chips)])
    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if "error:" in line]
    assert code in (1, 2)
    assert len(errors) == 1 and message in errors[0]
    assert errors[0].startswith("faceage-calibrate: error: ")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({}, "is empty", id="empty folder"),
        pytest.param({"a_b.jpg": b"text"}, "not pictures", id="no pictures"),
        pytest.param(None, "there is no", id="missing"),
    ],
)
@pytest.mark.parametrize("task", ["choose", "ranges", "interval", "shape", "alignment"])
def test_faces_that_cannot_be_read(
    write_folder: Write,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    task: str,
    files: dict[str, bytes] | None,
    message: str,
) -> None:
    """Every task refuses a set it cannot read, with exit code 1."""
    folder = tmp_path / "nowhere" if files is None else write_folder(files)
    out = str(tmp_path / "out.json")
    rest = {
        "choose": ["--out", out],
        "ranges": ["--model", AGE, "--out", out],
        "interval": ["--model", AGE, "--json", out],
        "shape": ["--model", AGE, "--out", out],
        "alignment": ["--convention-name", "a", "--json", out],
    }
    assert main([task, "--faces", str(folder), *rest[task]]) == 1
    assert message in capsys.readouterr().err
    assert not Path(out).exists()


def test_spans_of_ages_make_no_interval(
    write_folder: Write,
    pictures: Pictures,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An interval needs exact ages; a set of spans is refused."""
    folder = write_folder({**pictures("a.png"), "labels.csv": b"file,age_bin\na.png,20-29\n"})
    out = str(tmp_path / "i.json")
    assert main(["interval", "--model", AGE, "--faces", str(folder), "--json", out]) == 1
    assert "only spans" in capsys.readouterr().err


@pytest.mark.parametrize("task", ["choose", "ranges", "interval", "alignment"])
def test_every_task_explains_itself(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` ends with 0 and names the faces it needs."""
    with pytest.raises(SystemExit) as ended:
        main([task, "--help"])
    assert ended.value.code == 0
    assert "--faces PATH" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("times", "said"),
    [
        *((times, f"{times}: expected 1 to 999,999,999") for times in ("0.5", "nan", "inf", "1e9")),
        ("much", "'much' is no number"),
    ],
)
def test_what_unseen_faces_lack(times: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No less than the faces that are given, and a number."""
    with pytest.raises(SystemExit) as ended:
        main(["shape", "--model", "a", "--faces", "b", "--out", "c", "--unseen", times])
    assert ended.value.code == 2
    assert f"--unseen: {said}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["train"],
        ["ranges"],
        ["ranges", "--model", "a", "--faces", "b", "--out", "c", "--count", "0"],
    ],
)
def test_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command line that makes no sense ends with 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: faceage-calibrate" in capsys.readouterr().err


def test_progress_ends_with_the_total(capsys: pytest.CaptureFixture[str]) -> None:
    """A log gets the last count, and no line for each of many."""
    progress = Progress("faces", 1000)
    for done in range(1, 1001):
        progress(done)
    assert capsys.readouterr().err == "faces: 1,000 of 1,000\n"
