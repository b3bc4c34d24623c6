"""The repository: what may not be in it, what must be, and that it names one version."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import faceage_edge

ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20
PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
# Not tracked: made by tools or by start.py.
MADE = {".git", ".venv", "__pycache__", "build", "demo-output", "dist"}


def tracked() -> list[Path]:
    """Return the repository's files: git's list, or in an unpacked sdist what is there."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0 and (ROOT / ".git").exists():
        names = listing.stdout.decode().split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).is_file()]
    found = {path: path.relative_to(ROOT).parts for path in ROOT.rglob("*") if path.is_file()}
    caches = {part for parts in found.values() for part in parts if part.endswith("_cache")}
    return [path for path, parts in found.items() if not (MADE | caches) & set(parts)]


FILES = tracked()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text(path: Path) -> str | None:
    """Return a file's text, or None if it holds other bytes."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


# Written apart, so that this file is no finding of its own.
FORBIDDEN = [
    (r"(?<![\w.])/(root|work|opt/fa)" + r"/\w", "a path of one machine"),
    (r"/home/" + r"\w+/", "a path of one machine"),
    (r"(pypi\.org|pythonhosted" + r"\.org|piwheels\.org|download\.pytorch\.org)", "a registry"),
    (r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b", "work that is not done"),
]


@pytest.mark.parametrize(("pattern", "what"), FORBIDDEN)
def test_text_names_nothing_of_one_machine(pattern: str, what: str) -> None:
    """No file names a machine's paths, a package registry's host, or unfinished work."""
    texts = {path: text(path) for path in FILES}
    found = {
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path, content in texts.items()
        if content is not None
        for match in re.finditer(pattern, content)
    }
    assert found == set(), what


def test_files_are_small() -> None:
    """No file weighs more than a clone should carry."""
    assert [path for path in FILES if path.stat().st_size > 12 * MIB] == []


def test_pictures_are_documentation() -> None:
    """No face data is in the repository: the only pictures are the documentation's own."""
    pictures = {path for path in FILES if path.suffix.lower() in PICTURES}
    assert {path for path in pictures if path.parent != ROOT / "docs"} == set()
    archives = [path for path in FILES if path.suffix in (".tar", ".npz", ".zip", ".mp4")]
    # What training made lies beside the models made of it.
    assert [path for path in archives if not path.match("models/*/*.weights.npz")] == []


def test_names_are_free() -> None:
    """No package of ours and no folder of model files can be mistaken for a library's package."""
    generic = list(ROOT.glob("*/__init__.py"))
    generic += [
        path
        for name in ("age-mobilenet-coral", "age-permissive", "age-tiny", "face-finder", "mtcnn")
        for path in ROOT.glob(f"models/{name}/*.py")
    ]
    assert generic == []


def test_licence_is_apache() -> None:
    """The whole text of the licence is there, and the metadata name it."""
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    # The wheel carries model files too, each under the terms on its card.
    assert str(PROJECT["license"]).split(" AND ")[0] == "Apache-2.0"


RUNTIMES = [
    ("x86_64", "3.13", {"numpy>=1.24", "opencv", "ai-edge-litert"}, "a host"),
    ("aarch64", "3.11", {"numpy>=1.24", "opencv", "ai-edge-litert"}, "64-bit Bookworm"),
    ("armv7l", "3.11", {"numpy<2", "numpy>=1.24", "opencv", "tflite-runtime"}, "32-bit Bookworm"),
    ("armv8l", "3.13", {"numpy<2", "numpy>=1.24", "opencv"}, "no runtime has a wheel there"),
]


@pytest.mark.parametrize(("machine", "python", "expected", "note"), RUNTIMES)
def test_plain_dependencies(machine: str, python: str, expected: set[str], note: str) -> None:
    """Each kind of device gets numpy, OpenCV and the runtime that has a wheel for it."""
    environment = {"platform_machine": machine, "python_version": python}
    requirements = map(Requirement, PROJECT["dependencies"])
    wanted = {r for r in requirements if r.marker is None or r.marker.evaluate(environment)}
    names = {r.name if r.name != "numpy" else f"numpy{r.specifier}" for r in wanted}
    assert {name.removesuffix("-python-headless") for name in names} == expected, note


def test_one_version() -> None:
    """The package, the change log and the citation name one version."""
    version = faceage_edge.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[?{re.escape(version)}\b", changes, re.MULTILINE)
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {version}\n" in citation


PINS = ["host.txt", "device.txt", "device-bookworm.txt"]


@pytest.mark.parametrize("name", PINS)
def test_pins_are_exact(name: str) -> None:
    """Every line of a constraints file pins one version, sorted, each package once."""
    lines = (ROOT / "constraints" / name).read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    packages = [re.sub(r"[-_.]+", "-", pin.split("==")[0].lower()) for pin in pins]
    assert packages == sorted(set(packages))
