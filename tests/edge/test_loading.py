"""Which model files a command line means."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faceage_edge import bundles, loading
from faceage_edge.detector import DEFAULT_DETECTOR
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.loading import load_bundle

STAGES = ("pnet", "rnet", "onet")


class Loaded:
    """What was asked of the loaders."""

    age: Path
    detector: Path
    scheme: str
    options: dict[str, Any]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Loaded:
    """Loaders that only note what they are asked, and a shipped set under tmp_path/shipped.

    A fake model file is named task.scheme.tflite, and that is its contract.
    """
    seen = Loaded()

    def load_age_model(path: Path, **options: object) -> str:
        seen.age, seen.options = path, options
        return "age model"

    def load_detector(folder: Path, *, scheme: str, threads: int, delegate: object) -> str:
        assert delegate is None
        seen.detector, seen.scheme = folder, scheme
        return f"detector on {threads} threads"

    def contract(path: Path) -> SimpleNamespace:
        task, scheme = path.name.split(".")[:2]
        kind = "age" if "age" in task else "face-detector"
        return SimpleNamespace(task=kind, scheme=scheme, outputs=())

    def find(name: str) -> Path:
        return Path(name) if Path(name).exists() else tmp_path / "shipped" / name

    monkeypatch.setattr(loading, "load_age_model", load_age_model)
    monkeypatch.setattr(loading, "load_detector", load_detector)
    monkeypatch.setattr(loading, "model_contract", contract)
    for module in (bundles, loading):
        monkeypatch.setattr(module, "find", find)
    fill(
        tmp_path / "shipped/age-mobilenet-coral",
        "age-mobilenet-coral.int8",
        "age-mobilenet-coral.float32",
    )
    fill(tmp_path / "shipped" / DEFAULT_DETECTOR, *detector("int8"), *detector("float32"))
    return seen


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}.tflite").write_bytes(b"fake")
    return folder


def detector(scheme: str) -> list[str]:
    return [f"{stage}.{scheme}" for stage in STAGES]


def test_the_shipped_int8_models_are_the_default(loaded: Loaded, tmp_path: Path) -> None:
    """Without options: int8, from the shipped folders."""
    models = load_bundle(threads=2, decode="count")
    assert loaded.age == tmp_path / "shipped/age-mobilenet-coral/age-mobilenet-coral.int8.tflite"
    assert loaded.detector == tmp_path / "shipped" / DEFAULT_DETECTOR
    assert loaded.scheme == "int8"
    assert loaded.options == {"threads": 2, "decode": "count", "delegate": None}
    assert models.age_path == loaded.age
    assert models.detector_path == loaded.detector
    assert str(models.detector) == "detector on 2 threads"


@pytest.mark.parametrize(
    ("names", "age", "own_detector", "scheme", "note"),
    [
        (["age.int8", *detector("int8")], "age.int8", True, "int8", "a whole bundle"),
        (["age.float32", *detector("float32")], "age.float32", True, "float32", "a float one"),
        (["age.int8", "age.float32"], "age.int8", False, "int8", "both schemes: int8 is taken"),
        (["my-age.int16x8"], "my-age.int16x8", False, "int8", "an age model alone"),
        (detector("float32"), None, True, "float32", "a detector alone"),
        (
            ["age.int8", *detector("int8"), *detector("float32")],
            "age.int8",
            True,
            "int8",
            "a detector in both schemes",
        ),
    ],
)
def test_a_folders_contracts_say_what_is_what(
    loaded: Loaded,
    tmp_path: Path,
    names: list[str],
    age: str | None,
    own_detector: bool,
    scheme: str,
    note: str,
) -> None:
    """Parts come from the folder where it has them, else from the shipped set."""
    folder = fill(tmp_path / "bundle", *names)
    load_bundle(str(folder))
    shipped = tmp_path / "shipped"
    expected = folder / f"{age}.tflite" if age else shipped / "age-mobilenet-coral"
    assert loaded.age in (expected, expected / "age-mobilenet-coral.int8.tflite"), note
    assert loaded.detector == (folder if own_detector else shipped / DEFAULT_DETECTOR), note
    assert loaded.scheme == scheme, note


def test_single_parts_are_overridden(loaded: Loaded, tmp_path: Path) -> None:
    """--age and --detector win over --models, also where that holds too many age models."""
    folder = fill(tmp_path / "bundle", "age-a.int8", "age-b.int8")
    mine = fill(tmp_path / "mine", "age-c.int8") / "age-c.int8.tflite"
    other = fill(tmp_path / "other", *detector("float32"))
    load_bundle(str(folder), age=str(mine), detector=str(other))
    assert (loaded.age, loaded.detector, loaded.scheme) == (mine, other, "float32")


def test_an_age_model_by_name(loaded: Loaded, tmp_path: Path) -> None:
    """The name of a shipped folder means its int8 file."""
    fill(tmp_path / "shipped/age-tiny", "age-tiny.int8", "age-tiny.float32")
    load_bundle(age="age-tiny")
    assert loaded.age == tmp_path / "shipped/age-tiny/age-tiny.int8.tflite"


def _two_ages(folder: Path) -> str:
    return str(fill(folder / "bundle", "age-a.int8", "age-b.int8"))


def _empty(folder: Path) -> str:
    return str(fill(folder / "bundle"))


def _file(folder: Path) -> str:
    return str(fill(folder / "bundle", "age.int8") / "age.int8.tflite")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_two_ages, r"several age models \(age-a.*, age-b.*\); name the one to use with --age"),
        (_empty, r"holds no \.tflite file; give a folder that faceage-convert wrote"),
        (_file, "is a file, expected the folder"),
    ],
)
def test_folders_that_mean_nothing_are_refused(
    loaded: Loaded, tmp_path: Path, make: Callable[[Path], str], message: str
) -> None:
    """The message names what was found and what to do."""
    assert loaded is not None
    with pytest.raises(ModelFileError, match=message):
        load_bundle(make(tmp_path))


def test_a_model_without_a_contract_is_named(tmp_path: Path) -> None:
    """A foreign file in the folder is an error of its own."""
    (tmp_path / "foreign.tflite").write_bytes(b"no model at all" * 10)
    with pytest.raises(ModelFileError, match=r"foreign\.tflite"):
        load_bundle(str(tmp_path))
    with pytest.raises(ModelFileError, match="no model"):
        load_bundle(age="nowhere.tflite")
    assert issubclass(ContractError, ModelFileError)


def test_a_detector_without_a_stage_is_refused(repo_root: Path, tmp_path: Path) -> None:
    """Two of the three networks make no detector."""
    for name in ("pnet", "onet"):
        for path in (repo_root / "models" / "mtcnn").glob(f"*{name}.int8.*"):
            shutil.copy(path, tmp_path)
    with pytest.raises(ModelFileError, match="refine"):
        load_bundle(detector=str(tmp_path))
