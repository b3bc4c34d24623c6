"""The recipes of published models; those that train are run by `pytest -m families` alone."""

import json
import os
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from faceage_benchmarks.family_rows import PUBLISHED, camera_loop
from faceage_edge.embedded import read_contract
from faceage_models.train_options import training_options

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "models" / "recipes" / "family.py"
RECIPES = runpy.run_path(str(SCRIPT))
FAMILIES = RECIPES["FAMILIES"]


@pytest.mark.parametrize("name", RECIPES["TRAINED"])
def test_the_trainer_knows_every_option(name: str) -> None:
    """What a recipe asks for is a command line of `faceage-train`, and its name has a row."""
    steps = RECIPES["steps"](name, Path("data"), Path("out"))
    (command,) = [step.command for step in steps if "--backbone" in step.command]
    options = training_options(command[1:])
    assert options.name == name and name in PUBLISHED
    cut = training_options(steps[0].command[1:]).cut
    assert options.size <= cut and steps[0].made == Path(options.data[0])


@pytest.mark.parametrize("name", FAMILIES)
def test_a_recipe_ends_in_a_result(name: str) -> None:
    """Cut faces and a training, unless its authors' file is taken; then a conversion with a
    contract, and a measurement against float."""
    steps = RECIPES["steps"](name, Path("data"), Path("out"))
    programs = [step.command[0] for step in steps]
    assert programs[:-2].count("faceage-train") >= 2 or name in RECIPES["SHIPPED"]
    assert programs[-2:] == ["faceage-convert", "faceage-benchmark"]
    assert "--contract" in steps[-2].command and "--against" in steps[-1].command
    assert steps[-1].made == Path("out", name, f"{name}.json")


@pytest.mark.parametrize("name", RECIPES["PAIRS"])
def test_two_files_go_one_way(name: str) -> None:
    """Both are written by one command and converted by one; the second has the family's name."""
    *_, write, convert, measure = (
        step.command for step in RECIPES["steps"](name, Path("data"), Path("out"))
    )
    first, second = (write[write.index(word) + 1] for word in ("--out", "--closer"))
    assert [convert[convert.index(word) + 1] for word in ("--model", "--closer")] == [first, second]
    assert (Path(first).name, Path(second).name) == (f"{name}-whole.h5", f"{name}.h5")
    assert Path(measure[measure.index("--model") + 1]).name == f"{name}.int8.tflite"


def test_each_is_measured_for_a_release() -> None:
    """benchmarks/release.py has the same families, and counts each of them once."""
    release = runpy.run_path(str(ROOT / "benchmarks" / "release.py"))
    assert set(release["FAMILY_NAMES"]) == set(FAMILIES)
    assert set(release["FAMILY_PAIRS"]) == set(RECIPES["PAIRS"])
    counted = [name for names in release["ARM_FAMILIES"].values() for name in names]
    assert sorted(counted) == sorted(FAMILIES)


YEARS = {"samples": {"true": [10.0, 20.0, 30.0, 40.0]}}  # always 25: off by 10 years
SCORES = {"majority": 0.2}
JUDGED: list[tuple[dict[str, Any], bool, str]] = [
    (YEARS | {"mae": 7.5}, True, "a quarter better than 10 years"),
    (YEARS | {"mae": 7.51}, False, "not quite"),
    (YEARS | {"mae": 99.0, "group_scores": SCORES | {"accuracy": 0.25}}, True, "a quarter more"),
    (YEARS | {"mae": 1.0, "group_scores": SCORES | {"accuracy": 0.24}}, False, "groups count"),
]


@pytest.mark.parametrize(("document", "good", "note"), JUDGED, ids=[case[2] for case in JUDGED])
def test_what_learnt_enough(
    document: dict[str, Any], good: bool, note: str, tmp_path: Path
) -> None:
    """A quarter better than one answer for all."""
    path = tmp_path / "result.json"
    path.write_text(json.dumps(document))
    assert RECIPES["gained"](path)[0] is good


@pytest.mark.parametrize("name", RECIPES["SHIPPED"])
def test_a_file_of_its_authors(name: str, shared_data: Path) -> None:
    """It lies where the recipe looks, and its contract, which names it so, is in the repository."""
    steps = RECIPES["steps"](name, shared_data, Path("out"))
    convert = steps[0].command
    assert Path(convert[convert.index("--model") + 1]).is_file()
    stated = tomllib.loads(Path(convert[convert.index("--contract") + 1]).read_text())
    assert stated["name"] == name and name in PUBLISHED


@pytest.mark.families
@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_from_faces_to_the_loop(name: str, shared_data: Path, tmp_path: Path) -> None:
    """It learns, unless it was brought, becomes int8 throughout, and says ages in the camera loop.

    $FACEAGE_FAMILIES keeps what is made, so that a family that is there is not trained again.
    """
    out = Path(os.environ.get("FACEAGE_FAMILIES", tmp_path))
    command = [sys.executable, str(SCRIPT), name, "--data", str(shared_data), "--out", str(out)]
    assert subprocess.run(command, check=False).returncode == 0
    bundle = out / name / "bundle"
    for file in (name, *([f"{name}-whole"] if name in RECIPES["PAIRS"] else [])):
        model = (bundle / f"{file}.int8.tflite").read_bytes()
        assert read_contract(model, file).scheme == "int8"
    seen = camera_loop(bundle, shared_data / "clips" / "head-pose-female-and-male.gif")
    assert seen["frames"] > 0 and seen["ages"] > 0
    assert 0 < seen["youngest"] <= seen["oldest"] < 101
