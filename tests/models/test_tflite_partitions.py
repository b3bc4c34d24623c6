"""What XNNPACK takes of the shipped models."""

from pathlib import Path

import pytest

from faceage_models.tflite_partitions import xnnpack_partitions

# int8 MAXIMUM is the one operator that XNNPACK has no kernel for: MTCNN's slopes need one each.
_SLOPES = "MAXIMUM"
SHIPPED = [
    # file, pieces, operators left to built-in kernels
    ("age-mobilenet-coral/age-mobilenet-coral.float32", 1, 0),
    ("age-mobilenet-coral/age-mobilenet-coral.int8", 1, 0),
    ("age-permissive/age-permissive.float32", 1, 0),
    ("age-permissive/age-permissive.int8", 1, 0),
    ("age-tiny/age-tiny.float32", 1, 0),
    ("age-tiny/age-tiny.int8", 1, 0),
    ("face-finder/face-finder-aligner.float32", 1, 0),
    ("face-finder/face-finder-aligner.int8", 6, 5),
    ("face-finder/face-finder-finder.float32", 1, 0),
    ("face-finder/face-finder-finder.int8", 1, 0),
    ("mtcnn/mtcnn-onet.float32", 1, 0),
    ("mtcnn/mtcnn-onet.int8", 6, 5),
    ("mtcnn/mtcnn-pnet.float32", 1, 0),
    ("mtcnn/mtcnn-pnet.int8", 4, 3),
    ("mtcnn/mtcnn-rnet.float32", 1, 0),
    ("mtcnn/mtcnn-rnet.int8", 5, 4),
]


@pytest.mark.parametrize(("name", "count", "left_out"), SHIPPED)
def test_partitions(name: str, count: int, left_out: int, repo_root: Path) -> None:
    """Each shipped file runs in so many pieces, and this is all that is left out."""
    path = repo_root / "models" / f"{name}.tflite"
    found = xnnpack_partitions(path.read_bytes(), path.name)
    assert (found.count, found.left_out) == (count, (_SLOPES,) * left_out)


def test_every_shipped_file_is_in_the_table(repo_root: Path) -> None:
    """A new model states its partitions, too."""
    shipped = sorted((repo_root / "models").glob("*/*.tflite"))
    assert [f"{path.parent.name}/{path.stem}" for path in shipped] == [row[0] for row in SHIPPED]


def test_a_foreign_models_own_arithmetic_is_left_out(shared_data: Path) -> None:
    """RFB-320 computes shapes as it runs: those operators are named, its convolutions are not."""
    path = shared_data / "third_party" / "detectors" / "rfb_320.tflite"
    found = xnnpack_partitions(path.read_bytes(), path.name)
    assert found.count > 1
    assert {"SHAPE", "PACK"} <= set(found.left_out)
    assert "CONV_2D" not in found.left_out
