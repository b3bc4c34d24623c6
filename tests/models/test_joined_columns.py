"""The first layer of a network over several columns at once."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_models.finder_network import finder_network
from faceage_models.joined_columns import join_columns, joined_kernel
from faceage_models.mtcnn_networks import onet

pytest.importorskip("keras")


@pytest.mark.parametrize(
    ("stride", "columns", "firsts", "note"),
    [(1, 2, (0, 1), "the block and the next"), (2, 4, (3, 5), "the block before and the block")],
)
def test_a_widened_kernel_holds_its_kernel_twice_and_noughts(
    stride: int, columns: int, firsts: tuple[int, int], note: str
) -> None:
    """Two neighbours of the result look `stride` columns apart; nothing else is multiplied."""
    kernel = np.arange(1, 28, dtype=np.float32).reshape(3, 3, 3, 1)
    wide = joined_kernel(kernel, stride, columns).reshape(3, 2 * columns, 3, 2)
    for neighbour, first in enumerate(firsts):
        part = wide[:, first : first + 3, :, neighbour]
        np.testing.assert_array_equal(part, kernel[..., 0], err_msg=note)
    assert np.count_nonzero(wide) == 2 * kernel.size


def test_the_joined_finder_gives_the_same_numbers() -> None:
    """Stride 2 with a border."""
    finder = finder_network()
    random = np.random.default_rng(7)
    for weight in finder.weights:
        weight.assign(random.normal(0, 0.2, weight.shape))
    pictures = random.uniform(-1, 1, (2, 240, 320, 3)).astype(np.float32)
    _alike(join_columns(finder, "half", 4, relu="half_relu")(pictures), finder(pictures))


def test_the_joined_output_network_gives_the_same_numbers() -> None:
    """Stride 1 without a border; the batch stays fixed."""
    network = onet()
    joined = join_columns(network, "conv1", 2)
    assert joined.input.shape == network.input.shape
    picture = np.random.default_rng(7).uniform(-1, 1, (1, 48, 48, 3)).astype(np.float32)
    _alike(joined(picture), network(picture))


def _alike(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Sums of the same products, in another order: within two millionths of the largest."""
    assert sorted(found) == sorted(wanted)
    for name, values in wanted.items():
        expected: npt.NDArray[np.float32] = np.asarray(values)
        most = np.abs(expected).max()
        assert most > 0
        np.testing.assert_allclose(np.asarray(found[name]), expected, atol=2e-6 * most, rtol=0)
