"""Commands of the remaining pages: the camera's are run here, word for word.

Of the others the test is named that runs them, on less.
"""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from tests.house.reader_desk import ROOT, Desk, commands, lay_out

PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")})
# Pages whose every command is run by test_reader_commands.py.
READERS = ("README", "maker", "engineer", "researcher", "service")

# No other test runs them.
HERE = ("faceage-benchmark convert --json convert.json",)
CAMERA = re.compile(r"faceage-camera( --source (clip\.mp4|pictures/)| --install-model| --about|$)")
BROUGHT = "tests/convert/test_own_detector.py"
# A command's beginning; the file that runs it, and the words by which it does.
RUN_BY = [
    ("python3 start.py", ".ci/run", "README.md"),
    ("python -m tests.lab.boards", "tests/lab/test_legs.py", "RUNNERS"),
    ("faceage-convert --quantize int8 --model", "tests/convert/test_own_model.py", "--model"),
    ("faceage-convert --quantize int8", "tests/convert/test_shipped.py", "convert("),
    ("faceage-convert inspect", "tests/convert/test_inspection.py", '"inspect"'),
    ("faceage-convert preflight", "tests/convert/test_coral.py", "preflight"),
    ("faceage-convert --model run/best.keras", "tests/house/test_reader_commands.py", "engineer"),
    ("faceage-convert --qat", "tests/convert/test_qat.py", '"--qat"'),
    ("faceage-convert --detector", BROUGHT, '"--detector"'),
    ("faceage-convert --quantize none --detector", BROUGHT, '"none"'),
    ("faceage-convert --model", "tests/convert/test_families.py", "Hints(contract="),
    ("faceage-camera --models", "tests/house/test_reader_commands.py", "engineer"),
    ("faceage-camera --detector", BROUGHT, "--detector"),
    ("faceage-benchmark accuracy --model age-mobilenet-coral --faces imdb-wiki/",
     "tests/benchmarks/test_shards.py", '"--dask"'),
    ("faceage-benchmark accuracy", "tests/benchmarks/test_accuracy.py", '"accuracy"'),
    ("faceage-benchmark latency", "tests/benchmarks/test_latency.py", '"latency"'),
    ("faceage-benchmark threshold", "tests/benchmarks/test_threshold.py", '"threshold"'),
    ("faceage-benchmark loop-cost", "tests/benchmarks/test_loop_kinds.py", '"loop-cost"'),
    ("faceage-benchmark loop", "tests/benchmarks/test_loop.py", '"loop"'),
    ("faceage-benchmark freshness", "tests/benchmarks/test_loop_kinds.py", '"freshness"'),
    ("faceage-benchmark endurance", "tests/benchmarks/test_endurance.py", '"endurance"'),
    ("faceage-benchmark detection --composites", "tests/benchmarks/test_composites.py",
     '"--composites"'),
    ("faceage-benchmark detection", "tests/benchmarks/test_detection.py", '"detection"'),
    ("faceage-benchmark compare", "tests/benchmarks/test_compare.py", '"compare"'),
    ("faceage-benchmark report", "tests/benchmarks/test_report.py", '"report"'),
    ("faceage-benchmark fuzz", "tests/benchmarks/test_fuzzing.py", '"fuzz"'),
    ("faceage-benchmark arm", "tests/benchmarks/test_arm.py", '"arm"'),
    ("faceage-calibrate prepare", "tests/calibration/test_prepare_command.py", '"prepare"'),
    ("faceage-calibrate choose", "tests/calibration/test_choose_command.py", '"choose"'),
    *((f"faceage-calibrate {name}", "tests/calibration/test_calibrate_cli.py", f'"{name}"')
      for name in ("ranges", "interval", "shape", "alignment")),
    ("faceage-calibrate threshold", "tests/calibration/test_threshold_command.py", '"threshold"'),
    ("python -m faceage_benchmarks.card_tables", "tests/house/test_docs.py", "card_tables.main"),
    ("python -m faceage_models.keras2_file", "tests/models/test_keras2_pair.py", '"--closer"'),
    ("faceage-train --qat", "tests/models/test_train_qat.py", '"--qat"'),
    ("faceage-train", "tests/models/test_train_age.py", '"--grid"'),
    ("python -m faceage_models.ssd_file", "tests/models/test_ssd_file.py", '"--out"'),
]  # fmt: skip
# Hours, root at every run, another framework or other machines: run by hand, as CONTRIBUTING says.
BY_HAND = (
    "python -m tests.lab.", "python benchmarks/release.py", "KERAS_BACKEND=torch", "dask ",
)  # fmt: skip


def lines() -> list[tuple[str, str]]:
    """Every command of the pages, with its page."""
    texts = {page.stem: page.read_text(encoding="utf-8") for page in PAGES}
    return [
        (name, line)
        for name, text in texts.items()
        if name not in READERS
        for line in commands(text)
    ]


@pytest.mark.parametrize(("page", "line"), lines())
def test_every_command_is_run_somewhere(page: str, line: str) -> None:
    """Here, by another test, or by hand."""
    if CAMERA.match(line) or line in HERE or line.startswith(BY_HAND):
        return
    places = [(name, mark) for words, name, mark in RUN_BY if line.startswith(words)]
    assert places, page
    name, mark = places[0]
    assert mark in (ROOT / name).read_text(encoding="utf-8")


def test_the_tables_are_true() -> None:
    """No entry is left of a command that no page has any more."""
    for words in (*BY_HAND, *(words for words, _, _ in RUN_BY)):
        assert any(line.startswith(words) for _, line in lines()), words


@pytest.fixture
def desk(tmp_path: Path, astronaut: Any, walking_face: Any, write_clip: Any) -> Desk:
    """A reader's folder, with a film, pictures, and a bundle."""
    made = lay_out(tmp_path, astronaut[:240, 60:380])
    write_clip(walking_face)
    write_pictures(made.folder / "pictures", walking_face[:3])
    shutil.copytree(made.folder / "models", made.folder / "bundle")
    shutil.copy(made.folder / "age-2.int8.tflite", made.folder / "new.int8.tflite")
    return made


def write_pictures(folder: Path, pictures: Iterable[Any]) -> None:
    import cv2

    folder.mkdir()
    for number, picture in enumerate(pictures):
        assert cv2.imwrite(str(folder / f"{number}.png"), picture)


@pytest.mark.slow
@pytest.mark.usefixtures("shipped")
def test_the_cameras_section(desk: Desk) -> None:
    """Watched, annotated as film and picture, a model exchanged, and what the models are."""
    for page, line in lines():
        if page == "commands" and CAMERA.match(line):
            if line == "faceage-camera":
                assert desk.watch(line)[-1]["faces"]
            else:
                desk.run(line)
    assert {"seen.mp4", "seen.png", "ages.jsonl"} <= {path.name for path in desk.folder.iterdir()}


@pytest.mark.slow
@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("line", HERE)
def test_what_no_other_test_runs(desk: Desk, line: str) -> None:
    """To its end."""
    desk.run(line)
