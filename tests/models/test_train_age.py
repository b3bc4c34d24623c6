"""`faceage-train` on made-up faces."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models.bright_faces import write_faces

from faceage_edge.errors import OutputError
from faceage_models import age_run, age_run_files, train_age
from faceage_models.age_backbones import age_model
from faceage_models.age_heads import HEADS, Head
from faceage_models.age_run import AgeRun, Schedule, Stage
from faceage_models.age_run_files import Epoch
from faceage_models.frameworks import import_keras
from faceage_models.keras_loading import load_keras
from faceage_models.train_age import crop_template, face_weights, main

SMALL = ["--size", "32", "--alpha", "0.25", "--batch", "16"]


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of two layers in the place of MobileNet's 28: what is tested is the run."""

    def build(
        backbone: str, head: Head, *, size: int, alpha: float, dropout: float, normalise: str
    ) -> Any:
        layers = import_keras().layers
        pixels = import_keras().Input((size, size, 3), name="input")
        x = layers.Conv2D(int(32 * alpha), 3, strides=4, use_bias=False, name="conv1")(pixels)
        x = layers.ReLU(name="middle")(layers.BatchNormalization(name="conv1_bn")(x))
        pooled = layers.GlobalAveragePooling2D(name="pooled")(x)
        return import_keras().Model(pixels, head.output(pooled), name="tiny")

    monkeypatch.setattr(train_age, "age_model", build)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Faces to learn from and others to validate on."""
    folder = tmp_path_factory.mktemp("faces")
    return write_faces(folder / "train", 160), write_faces(folder / "dev", 40, first=1000)


def train(sets: tuple[Path, Path], out: Path, *more: str) -> int:
    """Run the command."""
    return main(["--data", str(sets[0]), "--validate", str(sets[1]), "--out", str(out)] + [*more])


def epochs(out: Path) -> list[dict[str, str]]:
    """The table of epochs."""
    with (out / "epochs.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("head", sorted(HEADS))
def test_it_learns(head: str, sets: tuple[Path, Path], tmp_path: Path) -> None:
    """Brightness tells the age: each head beats the training median by a quarter and more."""
    options = [*SMALL, "--head", head, "--epochs", "30", "--rate", "0.03"]
    assert train(sets, tmp_path, *options) == 0
    record = json.loads((tmp_path / "train.json").read_text())
    ages = [np.array([int(p.name.split("_")[0]) for p in folder.iterdir()]) for folder in sets]
    plain = float(np.abs(ages[1] - np.median(ages[0])).mean())
    assert record["best"]["mae"] < 0.75 * plain
    assert record["faces"] == {"training": 160, "validation": 40}
    best = min(float(row["validation_mae_years"]) for row in epochs(tmp_path))
    assert record["best"]["mae"] == pytest.approx(best, abs=1e-4)
    contract = json.loads((tmp_path / "best.json").read_text())
    (output,) = contract["outputs"]
    assert output["head"] == HEADS[head].name
    if head == "groups":
        bounds = output["bounds"]
        assert (len(bounds), bounds[0], bounds[-1]) == (14, [0, 6], [66, 88])


def test_age_groups_of_ones_own(sets: tuple[Path, Path], tmp_path: Path) -> None:
    """Adience's eight: the contract has their bounds, and the saved model reads years by it."""
    adience = "0-2,4-6,8-12,15-20,25-32,38-43,48-53,60-100"
    options = [*SMALL, "--head", "groups", "--groups", adience, "--epochs", "20", "--rate", "0.03"]
    assert train(sets, tmp_path, *options) == 0
    contract = json.loads((tmp_path / "best.json").read_text())
    bounds = [[0, 3], [4, 7], [8, 13], [15, 21], [25, 33], [38, 44], [48, 54], [60, 101]]
    assert contract["outputs"][0]["bounds"] == bounds
    assert import_keras().saving.load_model(tmp_path / "best.keras").output_shape == (None, 8)
    assert json.loads((tmp_path / "train.json").read_text())["best"]["mae"] < 20


def test_a_distribution_helps_and_is_dropped(sets: tuple[Path, Path], tmp_path: Path) -> None:
    """Beside CORAL, first the head alone, and taken up again; the result is a CORAL model."""
    options = [*SMALL, "--also-distribution", "0.5", "--rate", "0.03", "--head-epochs", "1"]
    assert train(sets, tmp_path, *options, "--epochs", "14") == 0
    assert train(sets, tmp_path, *options, "--epochs", "15") == 0
    record = json.loads((tmp_path / "train.json").read_text())
    assert len(record["epochs"]) == 16
    ages = np.array([int(path.name.split("_")[0]) for path in sets[1].iterdir()])
    assert record["best"]["mae"] < 0.75 * float(np.abs(ages - np.median(ages)).mean())
    model = load_keras(tmp_path / "best.keras", import_keras())
    assert [layer.name for layer in model.layers][-2:] == ["pooled", "coral"]
    assert model.output_shape == (None, 100) and model.count_params() == record["parameters"]
    (output,) = json.loads((tmp_path / "best.json").read_text())["outputs"]
    assert (output["head"], output["size"]) == ("coral", 100)


def test_it_goes_on_where_it_stopped(sets: tuple[Path, Path], tmp_path: Path) -> None:
    """After two epochs of three the third is left; what was there stays."""
    options = [*SMALL, "--head-epochs", "1", "--train-from", "conv1_bn", "--epochs", "1"]
    real = AgeRun._write_state

    class Stopped(Exception):
        """Someone pulled the plug."""

    def write_state(self: AgeRun) -> None:
        real(self)
        if len(self.epochs) == 2:
            raise Stopped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AgeRun, "_write_state", write_state)
        with pytest.raises(Stopped):
            train(sets, tmp_path, *options)
    before = epochs(tmp_path)
    assert [row["epoch"] for row in before] == ["1", "2"]
    assert {path.name for path in tmp_path.iterdir()} >= {"best.keras", "best.json", "state.npz"}
    assert train(sets, tmp_path, *options) == 0
    after = epochs(tmp_path)
    assert after[:2] == before and [row["epoch"] for row in after] == ["1", "2", "3"]
    assert json.loads((tmp_path / "train.json").read_text())["steps"] == 30
    # And once more there is nothing left to do.
    assert train(sets, tmp_path, *options) == 0
    assert epochs(tmp_path) == after


def test_stages_let_their_layers_learn() -> None:
    """The head alone, then from a layer on, then all, at the rate of one cosine."""
    model = age_model("mobilenet-v1", HEADS["coral"], size=32, alpha=0.25)
    names = [layer.name for layer in model.layers]
    for first, index in (("head", len(names) - 1), ("conv_pw_13", names.index("conv_pw_13"))):
        age_run.thaw(model, first)
        assert [layer.trainable for layer in model.layers] == [
            i >= index for i in range(len(names))
        ]
    age_run.thaw(model, None)
    assert all(layer.trainable for layer in model.layers)
    schedule = Schedule((Stage(1, "head"), Stage(2)), 10, 1.0, 0.0)
    assert [schedule.stage_of(epoch).first for epoch in range(4)] == ["head", None, None, None]
    rates = [schedule.rate_at(step) for step in range(31)]
    assert rates[0] == 0.2 and max(rates) == rates[4] == 1.0 and rates[30] == pytest.approx(0)


def test_tensorboard_is_told_each_epoch(
    sets: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the run's folder, or for a grid in one for each run; without the option nothing is."""
    told: list[tuple[Path, int, float]] = []

    class Log:
        """Keeps what it is told."""

        def __init__(self, folder: Path) -> None:
            self.folder = folder

        def __enter__(self) -> "Log":
            return self

        def __exit__(self, *_: object) -> None:
            told.append((self.folder, 0, 0.0))

        def write(self, epoch: Epoch, rate: float) -> None:
            told.append((self.folder, epoch.epoch + 1, rate))

    monkeypatch.setattr(train_age, "EventLog", Log)
    monkeypatch.setattr(train_age, "tensorboard_parts", lambda: None)
    options = [*SMALL, "--share", "0.3", "--rate", "0.01"]
    assert train(sets, tmp_path / "a", *options, "--epochs", "2", "--tensorboard") == 0
    assert [(folder, epoch) for folder, epoch, _ in told] == [
        (tmp_path / "a" / "tensorboard", epoch) for epoch in (1, 2, 0)
    ]
    # Half a cosine: the last step of the last epoch is nearly at its end.
    assert 0 < told[1][2] < told[0][2] <= 0.01
    told.clear()
    grid = ["--epochs", "1", "--grid", "lr=1e-3", "--logdir", str(tmp_path / "log")]
    assert train(sets, tmp_path / "b", *options, *grid) == 0
    assert {folder for folder, _, _ in told} == {tmp_path / "log" / "rate=0.001"}
    told.clear()
    assert train(sets, tmp_path / "c", *options, "--epochs", "1") == 0
    assert told == []


def test_a_grid_is_one_table(sets: tuple[Path, Path], tmp_path: Path) -> None:
    """Every combination has a folder and a row."""
    options = [*SMALL, "--epochs", "1", "--share", "0.3", "--grid", "lr=1e-3,1e-4", "wd=0"]
    assert train(sets, tmp_path, *options) == 0
    with (tmp_path / "grid.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["rate"], row["decay"]) for row in rows] == [("0.001", "0"), ("0.0001", "0")]
    assert (tmp_path / "rate=0.001,decay=0" / "best.keras").is_file()


def test_a_pupil_learns_from_cut_faces(sets: tuple[Path, Path], tmp_path: Path) -> None:
    """Sets cut into files once, a teacher trained on them, and a pupil of half its size, whose
    batches come from another process."""
    cut = [str(tmp_path / f"{name}.faces.npz") for name in ("train", "dev")]
    for source, pack in zip(sets, cut, strict=True):
        assert main(["--data", str(source), "--size", "64", "--pack", pack]) == 0
    faces = ["--data", cut[0], "--validate", cut[1], "--batch", "16", "--epochs", "15"]
    learning = ["--alpha", "0.25", "--rate", "0.03"]
    teacher = tmp_path / "teacher"
    assert main([*faces, *learning, "--size", "64", "--out", str(teacher)]) == 0
    taught = ["--teacher", str(teacher / "best.keras"), "--teacher-share", "1", "--workers", "1"]
    pupil = tmp_path / "pupil"
    assert main([*faces, *learning, *taught, "--size", "32", "--out", str(pupil)]) == 0
    records = [json.loads((run / "train.json").read_text()) for run in (teacher, pupil)]
    ages = np.array([int(path.name.split("_")[0]) for path in sets[1].iterdir()])
    plain = float(np.abs(ages - np.median(ages)).mean())
    # No label reached the pupil: what it knows it has from its teacher.
    assert all(record["best"]["mae"] < 0.75 * plain for record in records)
    assert json.loads((pupil / "best.json").read_text())["crop"]["width"] == 32


def test_cut_faces_of_another_size(
    sets: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Crops that are too small are not blown up; the message says how to cut them."""
    pack = str(tmp_path / "small.faces.npz")
    assert main(["--data", str(sets[0]), "--size", "32", "--pack", pack]) == 0
    assert train((Path(pack), sets[1]), tmp_path / "run", "--size", "64") == 1
    assert "has crops of 32 pixels, expected 64" in capsys.readouterr().err


def test_faces_can_be_excluded(sets: tuple[Path, Path], tmp_path: Path) -> None:
    """By name; the count in the record is what was learnt from."""
    out = [path.name for path in sorted(sets[0].iterdir())[:40]]
    (tmp_path / "out.txt").write_text("\n".join(out))
    options = [*SMALL, "--epochs", "1", "--exclude", str(tmp_path / "out.txt")]
    assert train(sets, tmp_path / "run", *options) == 0
    assert json.loads((tmp_path / "run" / "train.json").read_text())["faces"]["training"] == 120


@pytest.mark.parametrize(
    ("count", "age", "message"),
    [(12, None, "12 faces are left to train on, expected 20"), (30, 44, "the same age (44)")],
)
def test_too_little_to_learn(
    count: int,
    age: int | None,
    message: str,
    sets: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A dozen faces, or one age."""
    few = write_faces(tmp_path / "few", count, first=5000, age=age)
    assert train((few, sets[1]), tmp_path / "run", *SMALL) == 1
    assert message in capsys.readouterr().err


def test_validation_faces_are_unseen(
    sets: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same set twice is refused."""
    assert train((sets[0], sets[0]), tmp_path, *SMALL) == 1
    assert "160 faces of --validate are among those of --data" in capsys.readouterr().err


def test_a_state_of_another_network(
    sets: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder of one run is not that of another width; the old state stays."""
    assert train(sets, tmp_path, *SMALL, "--epochs", "1", "--share", "0.3") == 0
    before = (tmp_path / "state.npz").read_bytes()
    other = ["--size", "32", "--alpha", "0.5", "--batch", "16", "--epochs", "2", "--share", "0.3"]
    assert train(sets, tmp_path, *other) == 1
    assert "is not a state of this network" in capsys.readouterr().err
    assert (tmp_path / "state.npz").read_bytes() == before


def test_a_loss_that_is_no_number(
    sets: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The state before is kept, and the message says what to try."""
    options = [*SMALL, "--share", "0.5", "--epochs"]
    assert train(sets, tmp_path, *options, "1") == 0
    before = (tmp_path / "state.npz").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Schedule, "rate_at", lambda self, step: float("nan"))
        assert train(sets, tmp_path, *options, "2") == 1
    assert "the loss is not a number" in capsys.readouterr().err
    assert (tmp_path / "state.npz").read_bytes() == before


def test_a_disk_that_fills(
    sets: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """While a state is written: the one before is whole."""
    options = [*SMALL, "--share", "0.5", "--epochs"]
    assert train(sets, tmp_path, *options, "1") == 0
    before = (tmp_path / "state.npz").read_bytes()

    def full(path: Path, data: bytes) -> None:
        raise OutputError(f"cannot write {path}: No space left on device; make room")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(age_run_files, "write_bytes", full)
        assert train(sets, tmp_path, *options, "2") == 1
    assert "No space left on device" in capsys.readouterr().err
    assert (tmp_path / "state.npz").read_bytes() == before


@pytest.mark.parametrize(
    "wrong",
    [
        ["--grid", "speed=1"],
        ["--grid", "lr=fast"],
        ["--share", "0"],
        ["--epochs", "0"],
        ["--teacher", "t.keras", "--head", "regression"],
        ["--teacher-share", "2"],
        ["--teacher", "t.keras", "--teacher-answers", "a.npz"],
        ["--teacher-answers", "a.npz", "--head", "regression"],
        ["--out", ""],
        ["--groups", "0,20,60"],
        ["--also-distribution", "1", "--head", "distribution"],
        ["--also-distribution", "-1"],
        ["--also-distribution", "nan"],
        ["--head", "groups", "--groups", "60,20"],
    ],
)
def test_wrong_usage(wrong: list[str]) -> None:
    """Ends with 2 before anything is read."""
    with pytest.raises(SystemExit) as ended:
        main(["--data", "a", "--validate", "b", "--out", "c", *wrong])
    assert ended.value.code == 2


def test_rare_decades_weigh_more() -> None:
    """Uniform: each decade as much as any other; sqrt: half way there."""
    spans = np.repeat(np.array([5.0] * 90 + [75.0] * 10)[:, None], 2, axis=1)
    uniform, root = (face_weights(spans, kind) for kind in ("uniform", "sqrt"))
    assert uniform[:90].sum() == pytest.approx(uniform[90:].sum())
    assert root[90] / root[0] == pytest.approx(3)
    assert face_weights(spans, "none").tolist() == [1] * 100


def test_the_template_scales_and_zooms() -> None:
    """Half the size: points at half the distance from the picture's edge; zoom: from its middle."""
    whole, half, near = crop_template(128), crop_template(64), crop_template(128, 1.2)
    np.testing.assert_allclose(half.points + 0.5, (whole.points + 0.5) / 2, atol=1e-3)
    np.testing.assert_allclose(near.points - 63.5, (whole.points - 63.5) * 1.2, atol=1e-3)
