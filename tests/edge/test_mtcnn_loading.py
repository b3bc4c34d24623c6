"""Putting the detector together from files: which are taken, and what is refused."""

import shutil
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from faceage_edge.bundles import find
from faceage_edge.detector import load_detector
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.model import Model, load_model
from faceage_edge.mtcnn import Mtcnn


@lru_cache(maxsize=2)
def detector(scheme: str) -> Mtcnn:
    """The shipped detector."""
    loaded = load_detector("mtcnn", scheme=scheme)
    assert isinstance(loaded, Mtcnn)
    return loaded


def stage(name: str) -> Model:
    """One shipped network, for a test to change."""
    return load_model(find("mtcnn") / f"mtcnn-{name}.int8.tflite")


def test_the_shipped_detector_loads() -> None:
    """By its name, in either scheme; its digest names all three networks."""
    digests = {detector(scheme).digest for scheme in ("int8", "float32")}
    assert len(digests) == 2
    assert all(len(digest) == 64 for digest in digests)
    assert detector("int8").scheme == "int8"
    assert load_detector(find("mtcnn"), xnnpack=False).digest == detector("int8").digest


def copied(tmp_path: Path, *names: str) -> Path:
    """A folder with some of the shipped networks."""
    for name in names:
        shutil.copy(find("mtcnn") / f"mtcnn-{name}.tflite", tmp_path)
    return tmp_path


def test_a_folder_that_lacks_a_stage(tmp_path: Path) -> None:
    """The missing stages are named, also where only another scheme's are there."""
    folder = copied(tmp_path, "pnet.int8", "onet.float32")
    with pytest.raises(ModelFileError, match="lacks the int8 face detector's refine, output"):
        load_detector(folder)


def test_a_folder_with_a_stage_twice(tmp_path: Path) -> None:
    """Which of two is meant is the user's to say."""
    folder = copied(tmp_path, "pnet.int8", "rnet.int8", "onet.int8")
    shutil.copy(folder / "mtcnn-rnet.int8.tflite", folder / "other.tflite")
    with pytest.raises(ModelFileError, match=r"two int8 refine networks, mtcnn-rnet.*other"):
        load_detector(folder)


def test_other_models_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    """A bundle holds an age model, too."""
    folder = copied(tmp_path, "pnet.int8", "rnet.int8", "onet.int8", "onet.float32")
    shutil.copy(find("age-mobilenet-coral/age-mobilenet-coral.int8.tflite"), folder)
    assert load_detector(folder).digest == detector("int8").digest


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere", "no model 'nowhere'"), (".", "lacks the int8 .* proposal, refine, output")],
)
def test_places_without_a_detector(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is one message."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFileError, match=words):
        load_detector(name)


def test_stages_in_the_wrong_place() -> None:
    """Two networks swapped, or an age model among them, are named."""
    proposal, refine, output = stage("pnet"), stage("rnet"), stage("onet")
    with pytest.raises(ContractError, match="is a output model, expected refine"):
        Mtcnn(proposal, output, refine)
    age = load_model(find("age-mobilenet-coral/age-mobilenet-coral.int8.tflite"))
    with pytest.raises(ContractError, match="is a age model, expected proposal"):
        Mtcnn(age, refine, output)


@pytest.mark.parametrize(
    ("stride", "cell", "width", "note"),
    [
        (4, 12, 272, "another stride"),
        (2, 14, 272, "another window"),
        (2, 12, 11, "a canvas smaller than a window"),
        (2, 300, 272, "a window larger than the canvas"),
    ],
)
def test_a_grid_that_is_not_the_networks(stride: int, cell: int, width: int, note: str) -> None:
    """Reading the wrong cells, or cutting without end, is prevented at loading."""
    proposal = stage("pnet")
    contract = proposal.contract
    assert contract.detector is not None
    proposal.contract = replace(
        contract,
        detector=replace(contract.detector, stride=stride, cell=cell),
        input=replace(contract.input, width=width),
    )
    with pytest.raises(ContractError, match="logits, found 15589"):
        Mtcnn(proposal, stage("rnet"), stage("onet"))
