"""Where model files are looked for, in which order, and what is said when there are none."""

from pathlib import Path

import pytest

from faceage_edge import bundles
from faceage_edge.bundles import DEFAULT_AGE, find, find_age, shipped_names
from faceage_edge.errors import ModelFileError


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up checkout with the package in edge/faceage_edge; the working folder is elsewhere."""
    package = tmp_path / "edge" / "faceage_edge"
    for folder in (package, tmp_path / "some" / "elsewhere"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(bundles, "__file__", str(package / "bundles.py"))
    monkeypatch.chdir(tmp_path / "some" / "elsewhere")
    return tmp_path


def put(folder: Path, name: str) -> Path:
    """Make an empty file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_given_path_comes_first_then_package_then_checkout(homes: Path) -> None:
    """Each place is taken only where those before it have nothing of that name."""
    name = "age/age.int8.tflite"
    checkout = put(homes / "models", name)
    assert find(name) == checkout
    package = put(homes / "edge" / "faceage_edge" / "bundles", name)
    assert find(name) == package
    put(homes / "some" / "elsewhere", name)
    assert find(name) == Path(name)


def test_folders_are_found_too(homes: Path) -> None:
    """A detector is named by its folder."""
    put(homes / "models", "mtcnn/one.tflite")
    assert find("mtcnn") == homes / "models" / "mtcnn"
    assert find(str(homes / "models")) == homes / "models"


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("nothing", "no such name"),
        ("../secret", "out of the shipped folders"),
        ("age/../../secret", "out of them by a detour"),
        ("/models/age/age.tflite", "an absolute path that is not there"),
        ("x" * 300, "longer than a file name can be"),
        ("x/" * 3000, "longer than a path can be"),
        ("nul\0byte", "what no path can hold"),
    ],
)
def test_what_is_not_there(name: str, note: str, homes: Path) -> None:
    """The message shows what was asked for and lists the shipped names."""
    put(homes / "models", "age/age.tflite")
    put(homes / "models", "mtcnn/one.tflite")
    put(homes / "models", "notes/read.me")
    (homes / "secret").touch()
    with pytest.raises(ModelFileError) as caught:
        find(name)
    message = str(caught.value)
    assert repr(name) in message
    assert "(age, mtcnn)" in message


def test_an_install_without_models(homes: Path) -> None:
    """That nothing is shipped is said, too."""
    with pytest.raises(ModelFileError, match=r"\(none found\)"):
        find("mtcnn")


def test_the_shipped_models_are_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working folder plays no part."""
    monkeypatch.chdir(tmp_path)
    assert (find("mtcnn") / "mtcnn-pnet.int8.tflite").is_file()
    assert find(f"{DEFAULT_AGE}/{DEFAULT_AGE}.int8.tflite").is_file()
    assert find_age(DEFAULT_AGE).is_file() and DEFAULT_AGE in shipped_names()


def test_an_age_model_is_found_by_its_name(homes: Path) -> None:
    """A folder's name means the file in it that is named alike; a path means itself."""
    int8 = put(homes / "models", "tiny/tiny.int8.tflite")
    float32 = put(homes / "models", "tiny/tiny.float32.tflite")
    put(homes / "models", "tiny/other.int8.tflite")
    put(homes / "models", "mtcnn/one.int8.tflite")
    assert find_age("tiny") == int8
    assert find_age("tiny", "float32") == float32
    assert find_age(str(float32)) == float32
    assert find_age("tiny/tiny.float32.tflite") == float32
    # Not an age model's folder; who loads it says so.
    assert find_age("mtcnn") == homes / "models" / "mtcnn"
    with pytest.raises(ModelFileError, match=r"no model 'huge'.* \(mtcnn, tiny\)"):
        find_age("huge")
