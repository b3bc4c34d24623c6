"""Training runs: they learn, go on where they stopped, and stop before they spoil anything."""

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge.errors import FaceageError, FacesError, ModelFileError
from faceage_edge.geometry import FrameBox
from faceage_models.background import in_backgrounds
from faceage_models.finder_network import finder_network, load_finder
from faceage_models.finder_targets import finder_targets
from faceage_models.keras_backend import training_keras
from faceage_models.layer_weights import save_layer_weights
from faceage_models.train_finder import SceneLoss
from faceage_models.trainer import Trainer, train


def line() -> Any:
    """One weight and one bias."""
    keras = training_keras()
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="line")])


def squared_error(model: Any, batch: Any) -> tuple[Any]:
    """Of y = 3 x + 1."""
    return (training_keras().ops.mean((model(batch, training=True) - (3 * batch + 1)) ** 2),)


BATCH = np.linspace(-1, 1, 16, dtype=np.float32)[:, None]


def opened(out: Path, *, steps: int = 1200) -> Trainer:
    """A trainer of the line."""
    return Trainer(line, squared_error, out, steps=steps, rate=0.02)


def test_a_run_learns_and_writes_what_it_learnt(tmp_path: Path) -> None:
    """The averaged weights approach 3 and 1; the log has a line every hundred steps."""
    trainer = opened(tmp_path)
    weights = train(trainer, repeat(BATCH), tmp_path, steps=1200, name="line")
    arrays = np.load(weights)
    assert arrays["line|kernel"].item() == pytest.approx(3, abs=0.1)
    assert arrays["line|bias"].item() == pytest.approx(1, abs=0.1)
    rows = (tmp_path / "train.csv").read_text().splitlines()
    assert [int(row.split(",")[0]) for row in rows] == list(range(100, 1201, 100))


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Step, weights, average and the optimizer's state come back from the folder."""
    first = opened(tmp_path)
    train(first, repeat(BATCH), tmp_path, steps=40, name="line")
    second = opened(tmp_path)
    assert second.step == 40
    for kept in (
        lambda one: one.model.get_weights(),
        lambda one: one.mean,
        lambda one: [np.array(variable) for variable in one.optimizer.variables],
    ):
        for one, other in zip(kept(first), kept(second), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    """Nothing is taken up in part; so is a file that is no state."""
    train(opened(tmp_path), repeat(BATCH), tmp_path, steps=1, name="line")
    with pytest.raises(ModelFileError, match="is not a state of finder"):
        Trainer(finder_network, SceneLoss(), tmp_path, steps=1, rate=0.1)
    (tmp_path / "state.npz").write_bytes(b"no state")
    with pytest.raises(ModelFileError, match="is not a state of"):
        opened(tmp_path)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    """The message names the folder of the last good state, which is as it was."""
    trainer = opened(tmp_path)
    train(trainer, repeat(BATCH), tmp_path, steps=20, name="line")
    kept = (tmp_path / "line.weights.npz").read_bytes()
    with pytest.raises(FaceageError, match=r"not a number after step 20.*another --seed"):
        train(trainer, repeat(BATCH * np.nan), tmp_path, steps=30, name="line")
    assert (tmp_path / "line.weights.npz").read_bytes() == kept
    assert opened(tmp_path).step == 20


def test_the_rate_rises_and_falls(tmp_path: Path) -> None:
    """A linear start over 300 steps, half a cosine to nought at the last."""
    trainer = opened(tmp_path, steps=1300)
    assert trainer.rate(0) == pytest.approx(0.02 / 300)
    assert trainer.rate(300) == pytest.approx(0.02)
    assert trainer.rate(800) == pytest.approx(0.01)
    assert trainer.rate(1300) == pytest.approx(0)


def test_the_finder_learns_a_scene(tmp_path: Path) -> None:
    """On one scene of one face the loss falls to less than half in a few steps."""
    frames = np.full((2, 240, 320, 3), 90, np.uint8)
    frames[:, 100:130, 150:180] = 220
    targets = finder_targets([FrameBox(150, 100, 30, 30)])
    kinds = {stride: np.stack([one.kinds] * 2) for stride, one in targets.items()}
    boxes = {stride: np.stack([one.boxes] * 2) for stride, one in targets.items()}
    # From some random weights it takes longer.
    training_keras().utils.set_random_seed(0)
    trainer = Trainer(finder_network, SceneLoss(), tmp_path, steps=1000, rate=0.05)
    losses = [float(sum(trainer.train_on((frames, kinds, boxes)))) for _ in range(60)]
    assert losses[-1] < losses[0] / 2


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """Nothing is loaded in part, and the message names both."""
    path = tmp_path / "w.npz"
    save_layer_weights(line(), path)
    with pytest.raises(ModelFileError, match="is of another network than finder"):
        load_finder(path)
    path.write_bytes(b"not weights")
    with pytest.raises(ModelFileError, match=r"is not a readable \.npz"):
        load_finder(path)


def numbers(count: int) -> Iterator[int]:
    """Count, then fail as a set of faces may."""
    yield from range(count)
    raise FacesError("the set ends here")


def test_batches_come_from_another_process_with_its_errors() -> None:
    """In order; an error over there is one here, with its words."""
    made = in_backgrounds(numbers, [(3,)])
    assert [next(made) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(FacesError, match="the set ends here"):
        next(made)


def pictures(count: int, value: int) -> Iterator[tuple[Any, ...]]:
    """Arrays of a value, then an error."""
    for _ in range(count):
        yield np.full((4, 5), value, np.uint8), {8: np.full(3, value, np.float32)}
    raise FacesError(f"no more of {value}")


@pytest.mark.parametrize("room", [0, 64])
def test_several_processes_share_a_queue(room: int) -> None:
    """All of their items come, arrays whole, through a pipe or shared memory; errors too."""
    made = in_backgrounds(pictures, [(9, 1), (9, 2)], room=room)
    seen = set()
    with pytest.raises(FacesError, match="no more of"):
        for picture, more in made:
            assert picture.shape == (4, 5) and (picture == picture[0, 0]).all()
            assert (more[8] == picture[0, 0]).all()
            picture += 1
            seen.add(int(picture[0, 0]))
    assert seen <= {2, 3} and seen
