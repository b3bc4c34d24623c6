"""Exchanging a model of two files: the first comes along, and goes with its second."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from faceage_edge import camera, install_model
from faceage_edge.age import load_age_model
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.loading import choose
from faceage_edge.model import model_contract

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "models" / "age-tiny" / "age-tiny.int8.tflite"

Pair = Callable[..., tuple[Path, Path]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A device's folder of models: an age model of one file."""
    made = tmp_path / "models"
    made.mkdir()
    shutil.copy(TINY, made)
    return made


def install(file: Path, folder: Path) -> int:
    return camera.main(["--install-model", str(file), "--models", str(folder)])


def models(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.tflite")}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def digest_in(folder: Path) -> str:
    """Of the second file that a camera would take, with its first found."""
    return load_age_model(choose(str(folder)).age).digest


def test_a_pair_takes_the_place_of_one_file(
    folder: Path, write_pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In its very file, the first beside it; what was there can be installed again."""
    whole, closer = write_pair(tmp_path / "new")
    assert install(closer, folder) == 0
    assert models(folder) == {TINY.name, whole.name}
    assert (folder / TINY.name).read_bytes() == closer.read_bytes()
    assert digest_in(folder) == model_contract(closer).model_digest
    assert f"looks closer where {folder / whole.name} says" in capsys.readouterr().err
    # Once more, and the one before is still that of before.
    assert install(closer, folder) == 0
    assert (folder / f"{TINY.name}.previous").read_bytes() == TINY.read_bytes()
    assert install(folder / f"{TINY.name}.previous", folder) == 0
    # No model of the folder needs the first file any more; it is kept with its second.
    assert models(folder) == {TINY.name}
    assert (folder / TINY.name).read_bytes() == TINY.read_bytes()
    assert (folder / f"{whole.name}.previous").read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_a_pair_takes_the_place_of_a_pair(write_pair: Pair, tmp_path: Path) -> None:
    """There and back and there again, under the same names: what is there fits together, and no
    more than the one before is kept."""
    old, new = tmp_path / "old", tmp_path / "new"
    folder = tmp_path / "models"
    _, first = write_pair(old, made="in the year before")
    _, second = write_pair(new, made="now")
    told = [model_contract(path).model_digest for path in (first, second)]
    assert told[0] != told[1]
    assert install(first, folder) == 0
    for file, digest in (
        (second, told[1]),
        (folder / f"{first.name}.previous", told[0]),
        (folder / f"{first.name}.previous", told[1]),
    ):
        assert install(file, folder) == 0
        assert digest_in(folder) == digest
        assert len(models(folder)) == 2
        assert len(list(folder.glob("*.previous"))) == 2


def test_the_first_file_alone(
    write_pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said which to install, and a folder that holds it alone is no age model's."""
    whole, closer = write_pair(tmp_path / "new")
    assert install(whole, tmp_path / "models") == 1
    assert "install the second, which looks closer" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()
    closer.unlink()
    chosen = choose(str(tmp_path / "new")).age
    with pytest.raises(ContractError, match="is the first file of an age model of two"):
        load_age_model(chosen)


def test_the_second_without_the_first(
    folder: Path, write_pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said so, and nothing is touched."""
    before = content(folder)
    whole, closer = write_pair(tmp_path / "new")
    whole.unlink()
    assert install(closer, folder) == 1
    assert "is not beside it" in capsys.readouterr().err
    assert content(folder) == before


def test_a_pair_that_fails_in_its_place_is_rolled_back(
    write_pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old pair is there again, and nothing of the new one among the models."""
    folder = tmp_path / "models"
    old, first = write_pair(folder, made="in the year before")
    _, second = write_pair(tmp_path / "new", made="now")
    before = {path.name: path.read_bytes() for path in folder.glob("*.tflite")}
    real = install_model.self_test

    def failing(*paths: Path, together: bool = False) -> None:
        assert together
        if paths[0].parent == folder:
            raise ModelFileError("its outputs differ")
        real(*paths, together=together)

    monkeypatch.setattr(install_model, "self_test", failing)
    with pytest.raises(ModelFileError, match="before is in place again"):
        install_model.install_model(second, folder)
    assert {path.name: path.read_bytes() for path in folder.glob("*.tflite")} == before
    assert digest_in(folder) == model_contract(first).model_digest
    assert model_contract(first).crop.of == model_contract(old).model_digest


def test_two_that_do_not_belong_together(write_pair: Pair, tmp_path: Path) -> None:
    """Found out by the self-test, though each computes what it should."""
    whole, _ = write_pair(tmp_path / "one", made="here")
    _, closer = write_pair(tmp_path / "two", made="elsewhere, on another day")
    with pytest.raises(ModelFileError, match="take the two files of one conversion"):
        install_model.self_test(whole, closer, together=True)


def test_what_is_asked_of_a_pair(
    write_pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--about names both files, --doctor tries both."""
    whole, closer = write_pair(tmp_path / "new")
    assert camera.main(["--about", "--models", str(whole.parent)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "age model pair"
    assert "looking closer where pair-whole says" in lines
    digests = [line.split()[1] for line in lines if line.startswith("  digest")]
    assert digests[:2] == [model_contract(path).model_digest for path in (closer, whole)]
    camera.main(["--doctor", "--models", str(whole.parent)])
    assert f"{closer.name} and" in (said := capsys.readouterr().out), said
    whole.unlink()
    assert camera.main(["--doctor", "--models", str(closer.parent)]) == 1
    assert "is not beside it" in capsys.readouterr().out
