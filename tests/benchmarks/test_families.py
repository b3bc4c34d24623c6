"""The table of published models."""

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceage_benchmarks import families, family_rows
from faceage_benchmarks.families import family_table, main, with_kept
from faceage_benchmarks.family_rows import camera_loop, family_row, guesses, measured_figures
from faceage_edge.bundles import find
from faceage_edge.embedded import read_contract
from faceage_edge.errors import FaceageError, ModelFileError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder with the shipped age model and a detector's network."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in ("age-tiny/age-tiny.int8.tflite", "mtcnn/mtcnn-rnet.int8.tflite"):
        shutil.copy(find(name), folder)
    return folder


def test_a_row_is_what_the_file_states(bundle: Path) -> None:
    """Figures of its contract, its size, and the count of the result that is given."""
    arm: dict[str, Any] = {
        "processors": {"cortex-a76": {"peer-age-tiny": {"instructions": 3_400_000}}}
    }
    row = family_row(bundle, [arm])
    path = bundle / "age-tiny.int8.tflite"
    contract = read_contract(path.read_bytes(), "tiny")
    assert row["model_digest"] == contract.model_digest
    assert row["int8_bytes"] == path.stat().st_size
    assert row["instructions"] == {"cortex-a76": 3_400_000, "cortex-a72": None}
    measured = contract.provenance.get("measured", {})
    assert row["mae_int8"] == measured.get("mae_int8")
    assert "3.4 M" in family_table([row])
    # A model that was counted by its file is known by its digest.
    arm["models"] = [{"name": "age-tiny-int8", "digest": contract.model_digest}]
    arm["processors"]["cortex-a72"] = {"age-tiny-int8": {"instructions": 5}}
    assert family_row(bundle, [arm])["instructions"] == {"cortex-a76": None, "cortex-a72": 5}
    # Of two results each adds what it counted.
    arm["processors"] = {"cortex-a76": {"age-tiny-int8": {"instructions": 7}}}
    both = [arm, {"processors": {"cortex-a72": {"peer-age-tiny": {"instructions": 8}}}}]
    assert family_row(bundle, both)["instructions"] == {"cortex-a76": 7, "cortex-a72": 8}


def test_it_is_written_into_a_page(bundle: Path, tmp_path: Path) -> None:
    """Between the comments, again and again; what is around stays."""
    page, out = tmp_path / "page.md", tmp_path / "families.json"
    page.write_text("before\n<!--families-->\nold\n<!--/families-->\nafter\n")
    for _ in range(2):
        words = ["--bundles", str(bundle), "--json", str(out), "--into", str(page)]
        assert main(words) == 0
    text = page.read_text()
    assert text.startswith("before\n<!--families-->\n| system") and text.endswith("after\n")
    assert "old" not in text and "not measured" in text
    assert json.loads(out.read_text())["families"][0]["name"] == "age-tiny"


def test_no_bundle(tmp_path: Path) -> None:
    """It is said what a bundle is."""
    with pytest.raises(ModelFileError, match="holds 0 int8 age models, expected one"):
        family_row(tmp_path)


def test_two_files_are_one_model(
    bundle: Path, write_pair: Callable[..., tuple[Path, Path]]
) -> None:
    """Known by the second, with the bytes and the instructions of both; half counted is not."""
    (bundle / "age-tiny.int8.tflite").unlink()
    whole, path = write_pair(bundle, "closer")
    first, second = (read_contract(one.read_bytes(), "it") for one in (whole, path))
    digests = {"whole-int8": first.model_digest, "closer-int8": second.model_digest}
    counted = {"whole-int8": {"instructions": 3}, "closer-int8": {"instructions": 4}}
    arm = {
        "models": [{"name": name, "digest": digest} for name, digest in digests.items()],
        "processors": {
            "cortex-a76": counted,
            "cortex-a72": {"closer-int8": counted["closer-int8"]},
        },
    }
    row = family_row(bundle, [arm])
    assert (row["name"], row["model_digest"]) == ("closer", second.model_digest)
    assert row["int8_bytes"] == path.stat().st_size + whole.stat().st_size
    assert row["instructions"] == {"cortex-a76": 7, "cortex-a72": None}
    path.unlink()
    with pytest.raises(ModelFileError, match="holds 0 int8 age models"):
        family_row(bundle)


def result(digest: str, *, groups: bool = False) -> dict[str, Any]:
    """What a row takes of an accuracy result."""
    scores = {"bounds": [[0, 20], [20, 40]], "n": 4, "majority": 0.5, "per_group": []}
    more = {
        "group_scores": scores | {"accuracy": 0.75},
        "against_group_scores": scores | {"accuracy": 1.0},
        "delta_accuracy": -0.25,
        "delta_accuracy_ci95": [-0.75, 0.0],
    }
    return {
        "model": {"digest": digest},
        "n": 4,
        "mae": 5.12345,
        "against_figures": {"mae": 5.0},
        "delta_mae": 0.12345,
        "delta_mae_ci95": [-0.1, 0.3],
        "set": {"path": "there/faces.tar"},
        "crops": "aligned",
        "samples": {"unit": "years", "true": [10.0, 20.0, 30.0, 70.0]},
        **(more if groups else {}),
    }


def test_a_result_takes_the_place_of_the_contract(bundle: Path) -> None:
    """That of the very model, by its digest; others are left alone."""
    digest = read_contract((bundle / "age-tiny.int8.tflite").read_bytes(), "tiny").model_digest
    row = family_row(bundle, results=[result("0" * 64), result(digest)])
    assert (row["mae_float"], row["mae_int8"], row["set"]) == (5.0, 5.1235, "faces.tar")
    other = family_row(bundle, results=[result("0" * 64)])
    assert other["mae_int8"] != 5.1235


def test_age_groups_have_their_scores(bundle: Path) -> None:
    """Accuracy beside the years, and the commonest group beside the median age."""
    digest = read_contract((bundle / "age-tiny.int8.tflite").read_bytes(), "tiny").model_digest
    results = [result(digest, groups=True)]
    row = family_row(bundle, results=results)
    assert row["groups"]["number"] == 2
    assert row["groups"]["int8"] == {"majority": 0.5, "accuracy": 0.75}
    line = family_table([row], guesses(results)).splitlines()[-1]
    cells = line.strip("| ").split(" | ")[2:6]
    assert cells[:3] == ["50.0 %; 17.50", "100.0 %; 5.00", "75.0 %; 5.12"]
    assert cells[3].startswith("-25.00 points (-75.00 to +0.00); +0.123 ")


def test_gender_stands_beside_the_years(bundle: Path) -> None:
    """How often it is told right, and by always saying the commonest."""
    digest = read_contract((bundle / "age-tiny.int8.tflite").read_bytes(), "tiny").model_digest
    scores = {"n": 4, "majority": 0.5, "accuracy": 0.75}
    own = result(digest) | {
        "gender_scores": scores,
        "against_gender_scores": scores | {"accuracy": 1.0},
    }
    row = family_row(bundle, results=[own])
    assert row["gender"] == {"n": 4, "majority": 0.5, "float": 1.0, "int8": 0.75}
    cells = family_table([row], guesses([own])).splitlines()[-1].strip("| ").split(" | ")[2:5]
    assert cells == ["17.50; gender 50.0 %", "5.00; gender 100.0 %", "5.12; gender 75.0 %"]


def test_one_answer_for_all() -> None:
    """Always 25: off by 15, 5, 5 and 45 years; each set once."""
    (found,) = guesses([result("a"), result("b")])
    assert found == {"set": "faces.tar", "n": 4, "median": 25.0, "mae_median": 17.5}


def test_a_result_without_a_second_model() -> None:
    """It is said how to measure."""
    alone = {key: value for key, value in result("a").items() if key != "delta_mae"}
    with pytest.raises(FaceageError, match="--model INT8 --against FLOAT"):
        measured_figures(alone)


def test_earlier_rows_stay(bundle: Path) -> None:
    """In the order of the table; of the same model also what is not measured every time."""
    new = family_row(bundle)
    counted = {"cortex-a76": 5, "cortex-a72": 6}
    before = [new | {"name": name} for name in ("c3ae", "faceage")]
    before += [new | {"instructions": counted, "loop": {"frames": 3}, "published": "old"}]
    rows = with_kept([new], {"families": before})
    assert [row["name"] for row in rows] == ["faceage", "c3ae", "age-tiny"]
    assert (rows[2]["instructions"], rows[2]["loop"]) == (counted, {"frames": 3})
    assert rows[2]["published"] == new["published"]
    (changed,) = with_kept([new | {"model_digest": "0"}], {"families": before[2:]})
    assert "loop" not in changed and changed["instructions"] == new["instructions"]


def test_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames and ages of what the loop printed; a loop that fails is an error."""
    program = tmp_path / "faceage-camera"
    lines = [{"faces": [{"age": 31.5}, {"age": None}]}, {"faces": []}, {"faces": [{"age": 40.0}]}]
    said = "\n".join(json.dumps(line) for line in lines)
    program.write_text(f"#!/bin/sh\ntest $2 = good || exit 1\ncat <<END\n{said}\nEND\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(family_rows, "find_command", lambda name: str(program))
    assert camera_loop(Path("good"), tmp_path / "clip.gif") == {
        "clip": "clip.gif", "frames": 3, "ages": 2, "youngest": 31.5, "oldest": 40.0,
    }  # fmt: skip
    with pytest.raises(FaceageError, match="with bad ended with code 1"):
        camera_loop(Path("bad"), tmp_path / "clip.gif")


def test_keep_needs_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without rows of its own the command wants some to keep."""
    out = tmp_path / "families.json"
    assert main(["--keep", "--json", str(out)]) == 1
    assert "cannot be read" in capsys.readouterr().err
    with pytest.raises(SystemExit) as usage:
        families.main(["--json", str(out)])
    assert usage.value.code == 2
