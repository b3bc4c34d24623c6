"""The distribution: what is in it, and the wheel installed alone, with TensorFlow absent."""

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.slow

PACKAGES = (
    "faceage_benchmarks",
    "faceage_calibration",
    "faceage_convert",
    "faceage_edge",
    "faceage_models",
)
BUNDLED = "age-mobilenet-coral/age-mobilenet-coral.int8.tflite"
FIND = f"from faceage_edge.bundles import find; print(find({BUNDLED!r})); print(find('mtcnn'))"


@dataclass(frozen=True)
class Built:
    """The files that `python -m build` makes."""

    sdist: Path
    wheel: Path
    wheel_from_sdist: Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds the wheel and its plain dependencies."""

    bin: Path
    packages: Path


def run(*command: str | Path, cwd: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing of this environment's Python settings, and check its exit code."""
    hidden = ("PYTHON", "VIRTUAL_ENV")
    variables = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def built(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A wheel built from the checkout, the sdist, and a wheel built from the sdist."""
    direct, through = tmp_path_factory.mktemp("direct"), tmp_path_factory.mktemp("through")
    build = (sys.executable, "-m", "build", "--no-isolation")
    run(*build, "--wheel", "--outdir", direct, repo_root, cwd=direct)
    run(*build, "--outdir", through, repo_root, cwd=through)
    return Built(
        sdist=next(through.glob("*.tar.gz")),
        wheel=next(direct.glob("*.whl")),
        wheel_from_sdist=next(through.glob("*.whl")),
    )


@pytest.fixture(scope="session", params=["device.txt", "device-bookworm.txt"])
def slim(
    request: pytest.FixtureRequest,
    built: Built,
    repo_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Environment:
    """A fresh environment with the wheel and its plain dependencies at a device's pins."""
    pins: str = request.param
    if "bookworm" in pins and sys.version_info >= (3, 13):
        pytest.skip("numpy 1 has no wheel for this Python; Bookworm's is 3.11")
    home = tmp_path_factory.mktemp("slim")
    venv.create(home, with_pip=True)
    pip = (home / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-input")
    run(*pip, "-c", repo_root / "constraints" / pins, built.wheel, cwd=home)
    return Environment(bin=home / "bin", packages=purelib(home))


def purelib(home: Path) -> Path:
    """Return an environment's folder of packages."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(home)}))


def contents(wheel: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a wheel, by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def test_wheel_from_sdist_is_the_same(built: Built) -> None:
    """A wheel built from the sdist holds the same files, byte for byte."""
    assert contents(built.wheel) == contents(built.wheel_from_sdist)


def test_wheel_holds_packages_and_models_only(built: Built) -> None:
    """No generic name reaches site-packages, and every tracked file of a package is there."""
    names = set(contents(built.wheel))
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == set(PACKAGES)
    assert f"faceage_edge/bundles/{BUNDLED}" in names
    assert [name for name in names if name.endswith((".pyc", ".jpg", ".png", ".tar"))] == []


def test_wheel_holds_every_file_of_the_packages(built: Built, repo_root: Path) -> None:
    """Schemas, constants, type markers and shipped models travel with the code."""
    names = set(contents(built.wheel))
    for package in PACKAGES:
        home = repo_root / package.removeprefix("faceage_") / package
        files = {path for path in home.rglob("*") if path.is_file()}
        wanted = {f"{package}/{path.relative_to(home)}" for path in files if path.suffix != ".pyc"}
        assert wanted <= names
        assert f"{package}/py.typed" in names
    for model in ("age-mobilenet-coral", "age-permissive", "age-tiny", "face-finder", "mtcnn"):
        home = repo_root / "models" / model
        # What they were made from stays behind: no device can use it.
        made_from = {*home.glob("*.keras"), *home.glob("*.weights.npz")}
        shipped = {f"faceage_edge/bundles/{model}/{path.name}" for path in home.iterdir()}
        left = {f"faceage_edge/bundles/{model}/{path.name}" for path in made_from}
        assert bool(left) == (model != "mtcnn")
        assert shipped - left <= names
        assert not left & names


def test_sdist_can_be_tested(built: Built) -> None:
    """The sdist carries the tests, the pins and start.py beside the packages."""
    with tarfile.open(built.sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    wanted = {"LICENSE", "README.md", "start.py", "constraints/host.txt", "tests/conftest.py"}
    assert wanted <= names


def test_bundles_from_a_wheel_built_from_the_sdist(built: Built, tmp_path: Path) -> None:
    """`bundles.find` finds the models in the package's own data."""
    home = tmp_path / "home"
    with zipfile.ZipFile(built.wheel_from_sdist) as archive:
        archive.extractall(home)
    code = f"import sys; sys.path.insert(0, {str(home)!r}); {FIND}"
    # -I and -S: neither this folder nor this environment's packages are on the path.
    found = run(sys.executable, "-I", "-S", "-c", code, cwd=tmp_path).stdout.split()
    assert found == [str(home / "faceage_edge/bundles" / name) for name in (BUNDLED, "mtcnn")]


def test_bundles_from_an_editable_install(repo_root: Path, tmp_path: Path) -> None:
    """An editable install is a .pth file: `bundles.find` finds the checkout's own models."""
    home = tmp_path / "home"
    venv.create(home, with_pip=False)
    code = f"from hatchling.build import build_editable; build_editable({str(tmp_path)!r})"
    run(sys.executable, "-c", code, cwd=repo_root)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as archive:
        assert [name for name in archive.namelist() if name.startswith("faceage_")] == []
        archive.extractall(purelib(home))
    found = run(home / "bin" / "python", "-c", FIND, cwd=tmp_path).stdout.split()
    assert found == [str(repo_root / "models" / name) for name in (BUNDLED, "mtcnn")]


def test_bundles_from_the_installed_wheel(slim: Environment, tmp_path: Path) -> None:
    """The installed wheel finds its models from a foreign folder that holds like-named ones."""
    (tmp_path / "models" / "mtcnn").mkdir(parents=True)
    found = run(slim.bin / "python", "-c", FIND, cwd=tmp_path).stdout.split()
    bundles = slim.packages / "faceage_edge" / "bundles"
    assert found == [str(bundles / name) for name in (BUNDLED, "mtcnn")]


ABSENT = ("tensorflow", "keras", "ai_edge_quantizer", "scipy", "skimage", "PIL", "matplotlib")


def test_plain_install_is_slim(slim: Environment, tmp_path: Path) -> None:
    """The plain dependencies bring none of the host's packages."""
    code = f"from importlib.util import find_spec; print([m for m in {ABSENT} if find_spec(m)])"
    assert run(slim.bin / "python", "-c", code, cwd=tmp_path).stdout.strip() == "[]"


def test_installed_camera_runs(
    slim: Environment,
    write_frames: Callable[..., Path],
    walking_face: list[cv2.typing.MatLike],
    tmp_path: Path,
) -> None:
    """`faceage-camera` of the wheel alone sees one person, one track, in a clip."""
    folder = write_frames(walking_face)
    picture = tmp_path / "seen.png"
    done = run(
        *(slim.bin / "faceage-camera", "--source", folder, "--annotate", picture), cwd=tmp_path
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["frame"] for result in results] == list(range(len(walking_face)))
    # The surest face stands first; what else the detector may see is not asked here.
    faces = [result["faces"][0] for result in results]
    assert {face["track"] for face in faces} == {1}
    for face in faces:
        assert 0 <= face["age_low"] <= face["age"] <= face["age_high"] <= 120
    # The astronaut's face is some 85 pixels wide and moves 5 pixels to the left in every frame.
    lefts = np.array([face["box"][0] for face in faces])
    # Between passes a box is that of the detector's last network, which jitters by a pixel or two.
    assert (np.diff(lefts) < 2).all()
    assert np.diff(lefts).mean() == pytest.approx(-5, abs=1.5)
    assert cv2.imread(str(picture)) is not None
    assert "fps" in done.stderr


def test_installed_camera_says_what_its_models_are(slim: Environment, tmp_path: Path) -> None:
    """`--about` needs no camera and no more than the plain dependencies."""
    done = run(slim.bin / "faceage-camera", "--about", "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert document["age"]["scheme"] == document["detector"]["scheme"] == "int8"
    assert document["age"]["licence"]


def test_installed_convert_names_its_extra(slim: Environment, tmp_path: Path) -> None:
    """Converting needs an extra, and without it the message is the pip command that brings it."""
    done = run(slim.bin / "faceage-convert", "--quantize", "int8", cwd=tmp_path, expect=1)
    assert 'pip install "faceage[convert]"' in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_installed_latency_runs(slim: Environment, tmp_path: Path) -> None:
    """Latency is measured on a device too: float against int8 with the plain dependencies."""
    names = [
        f"age-mobilenet-coral/age-mobilenet-coral.{scheme}.tflite" for scheme in ("int8", "float32")
    ]
    command = (slim.bin / "faceage-benchmark", "latency", "--quick", "--json", "-")
    done = run(*command, "--model", names[0], "--against", names[1], cwd=tmp_path)
    result = json.loads(done.stdout)
    assert result["p50_ms"] > 0
    assert result["ratio_ci95"][0] <= result["ratio"] <= result["ratio_ci95"][1]


@pytest.mark.parametrize(
    "command",
    [
        "faceage-benchmark",
        "faceage-calibrate",
        "faceage-camera",
        "faceage-convert",
        "faceage-train",
    ],
)
def test_installed_commands_answer(slim: Environment, tmp_path: Path, command: str) -> None:
    """Every command answers --help with the plain dependencies alone."""
    assert run(slim.bin / command, "--help", cwd=tmp_path).stdout.startswith(f"usage: {command}")
