"""Exchanging a model: tested before, tested after, rolled back when that fails."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faceage_edge import camera, install_model
from faceage_edge.age import load_age_model
from faceage_edge.errors import ContractError, ModelFileError, UsageError
from faceage_edge.loading import choose, folder_contracts
from faceage_edge.model import model_contract
from faceage_edge.own_interval import interval_path
from faceage_edge.threshold import table_path

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "models" / "age-tiny" / "age-tiny.int8.tflite"


@pytest.fixture
def folder(tmp_path: Path, shipped: Any) -> Path:
    """A device's folder of models: the shipped age model with its table."""
    made = tmp_path / "models"
    made.mkdir()
    shutil.copy(shipped.age_int8, made)
    shutil.copy(table_path(shipped.age_int8), made)
    return made


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_a_new_model_takes_the_place_of_the_old(folder: Path, shipped: Any) -> None:
    """In its very file, with its own table; the old one is kept and can be installed again."""
    install_model.install_model(TINY, folder)
    place = folder / shipped.age_int8.name
    assert choose(str(folder)).age == place
    assert [contract.name for contract in folder_contracts(folder).values()] == ["age-tiny"]
    assert table_path(place).read_bytes() == table_path(TINY).read_bytes()
    previous = folder / (place.name + ".previous")
    assert previous.read_bytes() == shipped.age_int8.read_bytes()
    install_model.install_model(previous, folder)
    assert place.read_bytes() == shipped.age_int8.read_bytes()
    assert table_path(place).read_bytes() == table_path(shipped.age_int8).read_bytes()


@pytest.mark.slow
def test_an_interval_comes_and_goes_with_its_model(folder: Path, shipped: Any) -> None:
    """One that was fitted to the old model does not stay beside the new, and comes back with it."""
    place = folder / shipped.age_int8.name
    fitted = {
        "interval": {"coverage": 0.8, "low": -1.0, "high": 1.0, "floor": 1.0, "n": 40},
        "model_digest": model_contract(place).model_digest,
        "calibration": {"pictures": ["0123456789"]},
    }
    beside = interval_path(place)
    beside.write_text(json.dumps(fitted))
    told = install_model.install_model(TINY, folder)
    assert not beside.exists() and any("the one in its contract holds" in line for line in told)
    assert load_age_model(place).contract.name == "age-tiny"
    install_model.install_model(folder / (place.name + ".previous"), folder)
    interval = load_age_model(place).contract.interval
    assert interval is not None and (interval.coverage, interval.n) == (0.8, 40)


def test_an_empty_place_is_filled(tmp_path: Path) -> None:
    """A folder that is not there yet is made; the command says what was done."""
    folder = tmp_path / "new"
    words = ["--install-model", str(TINY), "--models", str(folder)]
    assert camera.main(words) == 0
    assert (folder / TINY.name).read_bytes() == TINY.read_bytes()


def test_a_detectors_network_replaces_its_stage_only(tmp_path: Path, shipped: Any) -> None:
    """Of three networks the one for the same stage."""
    folder = tmp_path / "models"
    folder.mkdir()
    networks = sorted(shipped.mtcnn.glob("*.int8.tflite"))
    for path in networks:
        shutil.copy(path, folder)
    other = tmp_path / "new.tflite"
    shutil.copy(networks[0], other)
    install_model.install_model(other, folder)
    assert {path.name for path in folder.glob("*.tflite")} == {path.name for path in networks}


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _without_contract(path: Path) -> None:
    from faceage_convert.embed import without_contract

    path.write_bytes(without_contract(path.read_bytes()))


def _wrong_outputs(path: Path) -> None:
    """A model that computes something else than its contract says it did when made."""
    from faceage_convert.embed import embed_contract, without_contract
    from faceage_edge.embedded import read_contract

    data = path.read_bytes()
    contract = read_contract(data, "it")
    golden = json.loads(json.dumps(contract.golden))
    values = next(iter(golden["xnnpack"].values()))
    values[0][0] += 50
    told = replace(contract, golden=golden)
    path.write_bytes(embed_contract(without_contract(data), told, "it")[0])


BAD = [
    (_cut, ModelFileError, "bad.tflite", "cut short"),
    (_without_contract, ContractError, "carries no contract", "a model of unknown meaning"),
    (_wrong_outputs, ModelFileError, "differ from the converter's", "computed wrongly"),
]


@pytest.mark.parametrize(("spoil", "error", "words", "note"), BAD)
def test_a_bad_file_changes_nothing(
    folder: Path, tmp_path: Path, spoil: Any, error: type[Exception], words: str, note: str
) -> None:
    """Found out before anything is touched."""
    bad = tmp_path / "bad.tflite"
    shutil.copy(TINY, bad)
    spoil(bad)
    before = content(folder)
    with pytest.raises(error, match=words):
        install_model.install_model(bad, folder)
    assert content(folder) == before, note


def test_a_model_that_fails_in_its_place_is_rolled_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, shipped: Any
) -> None:
    """As on a disk that returns other bytes than were written: the old one is there again."""
    real = install_model.self_test

    def failing(path: Path) -> None:
        if path.parent == folder:
            raise ModelFileError("its outputs differ")
        real(path)

    monkeypatch.setattr(install_model, "self_test", failing)
    with pytest.raises(ModelFileError, match="before is in place again"):
        install_model.install_model(TINY, folder)
    assert (folder / shipped.age_int8.name).read_bytes() == shipped.age_int8.read_bytes()
    assert table_path(folder / shipped.age_int8.name).is_file()


def test_a_self_test_that_dies_is_a_failed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that brings down the runtime brings down a child, not the camera."""
    monkeypatch.setattr(install_model, "_TEST", "import os; os.abort()")
    with pytest.raises(ModelFileError, match="ended with code -6"):
        install_model.self_test(TINY)


def test_where_it_belongs_must_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --models there is no place."""
    assert camera.main(["--install-model", str(TINY)]) == UsageError.exit_code
    assert "needs --models FOLDER" in capsys.readouterr().err
