"""What teachers add to labels."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models.cut_faces import faces as cut_faces

from faceage_edge.errors import UsageError
from faceage_models.age_backbones import age_model
from faceage_models.age_batches import validation_crops
from faceage_models.age_heads import HEADS, RANKS
from faceage_models.age_run_files import save_model
from faceage_models.age_teacher import Teachers, asked_once, kept_answers, taught
from faceage_models.crop_answers import answers_of
from faceage_models.settled import settle


def decided(side: int) -> Any:
    """A network whose answers differ from picture to picture: those of a new one do not."""
    model = age_model("mobilenet-v1", HEADS["coral"], size=side, alpha=0.25)
    crops = np.random.default_rng(1).integers(0, 256, (64, side, side, 3), np.uint8)
    settle(model, [crops], answers_of(model))
    return model


def test_the_mix_of_label_and_teacher() -> None:
    """Half and half where the label knows; inside a bin the teacher alone."""
    targets = HEADS["coral"].targets(np.array([[20.0, 29.0]]))
    probabilities = np.full((1, RANKS), 0.25, np.float32)
    mixed = taught(targets, probabilities, 0.5)
    older, known = mixed[0, :RANKS], mixed[0, RANKS:]
    assert older[10] == pytest.approx(0.625) and older[50] == pytest.approx(0.125)
    assert older[20:29].tolist() == [0.25] * 9
    assert known.tolist() == [1] * RANKS
    more = np.concatenate([targets, [[7.0]]], axis=1)
    np.testing.assert_array_equal(taught(more, probabilities, 0.5), [[*mixed[0], 7.0]])


def test_teachers_of_two_sizes_are_averaged(tmp_path: Path) -> None:
    """The mean of what each says of crops in its own size."""
    random = np.random.default_rng(0)
    crops = {side: random.integers(0, 256, (3, side, side, 3), np.uint8) for side in (32, 64)}
    paths, wanted = [], []
    for side in crops:
        model = decided(side)
        paths.append(tmp_path / f"{side}.keras")
        save_model(model, paths[-1])
        logits = np.asarray(model.predict_on_batch((crops[side].astype(np.float32) - 128) / 128))
        wanted.append(1 / (1 + np.exp(-logits)))
    teachers = Teachers(paths)
    assert teachers.sides == (32, 64)
    found = teachers.probabilities(crops)
    np.testing.assert_allclose(found, np.mean(wanted, axis=0), atol=1e-5)
    assert np.std(wanted, axis=1).max() > 0.01


def test_asked_once_of_a_face_and_its_mirror_image(tmp_path: Path) -> None:
    """The mean of both, for all faces of more than one batch, and kept for the next call."""
    path = tmp_path / "32.keras"
    save_model(decided(32), path)
    faces = cut_faces(300)
    teachers = Teachers([path])
    found = asked_once(teachers, faces, tmp_path / "kept.npz")
    crops = validation_crops(faces, 32)
    wanted = [teachers.probabilities({32: some}) for some in (crops, crops[:, :, ::-1].copy())]
    np.testing.assert_allclose(found, np.mean(wanted, axis=0), atol=1e-5)
    assert np.abs(wanted[0] - wanted[1]).max() > 1e-3
    kept = (tmp_path / "kept.npz").stat().st_mtime_ns
    np.testing.assert_array_equal(asked_once(teachers, faces, tmp_path / "kept.npz"), found)
    assert (tmp_path / "kept.npz").stat().st_mtime_ns == kept


def test_answers_of_another_run(tmp_path: Path) -> None:
    """Found by the face, wherever it stands among those that were asked about."""
    path, kept = tmp_path / "32.keras", tmp_path / "kept.npz"
    save_model(decided(32), path)
    faces = cut_faces(5)
    asked = asked_once(Teachers([path, path]), faces, kept)
    chosen = [4, 0, 2]
    fewer = replace(faces, digests=tuple(faces.digests[at] for at in chosen))
    np.testing.assert_array_equal(kept_answers(kept, fewer), asked[chosen])


def test_answers_that_cannot_be_had(tmp_path: Path) -> None:
    """Faces that nobody was asked about, a file of something else, and none."""
    path, kept = tmp_path / "32.keras", tmp_path / "kept.npz"
    save_model(decided(32), path)
    asked_once(Teachers([path]), cut_faces(5), kept)
    with pytest.raises(UsageError, match=r"kept.npz lacks 2 of the 7 faces of --data"):
        kept_answers(kept, cut_faces(7))
    lone = tmp_path / "lone.npy"
    np.save(lone, np.zeros(3))
    for other in (path, tmp_path / "none.npz", lone):
        with pytest.raises(UsageError, match=r"expected the teachers.npz of a run with --teacher"):
            kept_answers(other, cut_faces(5))


def test_a_damaged_file_of_a_run_taken_up_again(tmp_path: Path) -> None:
    """Is said, and left as it is."""
    kept = tmp_path / "teachers.npz"
    kept.write_bytes(b"half of it")
    with pytest.raises(UsageError, match=r"cannot read teachers' answers from .*teachers.npz"):
        asked_once(Teachers([]), cut_faces(5), kept)
    assert kept.read_bytes() == b"half of it"


def test_another_head_cannot_teach(tmp_path: Path) -> None:
    """A number of years has no ranks."""
    path = tmp_path / "years.keras"
    save_model(age_model("mobilenet-v1", HEADS["regression"], size=32, alpha=0.25), path)
    with pytest.raises(UsageError, match="expected square crops and the 100 ranks"):
        Teachers([path])


def test_no_teacher_wants_no_crops() -> None:
    """As in most runs."""
    assert Teachers([]).sides == ()
