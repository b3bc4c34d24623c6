"""The mean of several networks' weights."""

from pathlib import Path

import numpy as np
import pytest
from tests.models.cut_faces import faces as cut_faces

from faceage_models.age_backbones import age_model
from faceage_models.age_heads import HEADS
from faceage_models.age_pack import write_pack
from faceage_models.age_run_files import save_model
from faceage_models.frameworks import import_keras
from faceage_models.keras_loading import load_keras
from faceage_models.mean_weights import main


def network(path: Path, seed: int, alpha: float = 0.25) -> Path:
    """A file of a network with random weights."""
    import_keras().utils.set_random_seed(seed)
    save_model(age_model("mobilenet-v1", HEADS["coral"], size=32, alpha=alpha), path)
    return path


def test_the_mean_and_its_normalisation(tmp_path: Path) -> None:
    """Kernels are the mean of both; means and variances are those of the faces."""
    paths = [network(tmp_path / f"{seed}.keras", seed) for seed in (1, 2)]
    pack, out = tmp_path / "some.faces.npz", tmp_path / "mean.keras"
    write_pack(cut_faces(24), pack)
    assert main([*map(str, paths), "--faces", str(pack), "--out", str(out)]) == 0
    keras = import_keras()
    one, other, mean = (load_keras(path, keras) for path in (*paths, out))
    kernels = [model.layers[1].kernel.numpy() for model in (one, other, mean)]
    np.testing.assert_allclose(kernels[2], (kernels[0] + kernels[1]) / 2, atol=1e-6)
    before, after = (model.layers[2].moving_mean.numpy() for model in (one, mean))
    assert np.abs(before).max() == 0
    assert np.abs(after).max() > 0.01


@pytest.mark.parametrize(("alpha", "count", "code", "said"), [
    (0.5, 2, 1, "different architectures"),
    (0.25, 1, 2, "two models or more, found 1"),
])  # fmt: skip
def test_refused(
    alpha: float, count: int, code: int, said: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Another network, or one alone: a message, and no file."""
    paths = [network(tmp_path / "a.keras", 1), network(tmp_path / "b.keras", 2, alpha)][:count]
    pack, out = tmp_path / "some.faces.npz", tmp_path / "mean.keras"
    write_pack(cut_faces(24), pack)
    assert main([*map(str, paths), "--faces", str(pack), "--out", str(out)]) == code
    assert said in capsys.readouterr().err
    assert not out.exists()
