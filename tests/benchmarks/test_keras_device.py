"""Which back end a float model runs on: the one that is named, else the one that sees a GPU."""

from types import SimpleNamespace
from typing import Any

import pytest

from faceage_benchmarks import keras_device
from faceage_benchmarks.keras_device import chosen_keras, device_name
from faceage_models.keras_backend import BACKENDS


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes a host on which some back ends see a GPU, and asks which is chosen."""

    def choose(seeing: set[str], named: str | None = None) -> str | None:
        import os

        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        if named is not None:
            monkeypatch.setenv("KERAS_BACKEND", named)
        found = {name: "GPU: some card" if name in seeing else None for name in BACKENDS}
        monkeypatch.setattr(keras_device, "device_name", found.__getitem__)

        def loaded() -> Any:
            backend = os.environ.get("KERAS_BACKEND", "the first installed")
            return SimpleNamespace(backend=SimpleNamespace(backend=lambda: backend))

        monkeypatch.setattr(keras_device, "training_keras", loaded)
        return chosen_keras()[1]

    return choose


CASES = [
    # back ends that see a GPU, KERAS_BACKEND, expected, note
    (set(), None, "the first installed", "no GPU"),
    ({"torch"}, None, "torch", "a GPU that PyTorch alone sees"),
    ({"jax", "torch"}, None, "jax", "the first of two"),
    ({"torch"}, "tensorflow", "tensorflow", "what the user names wins"),
]


@pytest.mark.parametrize(("seeing", "named", "expected", "note"), CASES)
def test_choice(hosts: Any, seeing: set[str], named: str | None, expected: str, note: str) -> None:
    """A GPU decides where the user does not."""
    assert hosts(seeing, named) == expected, note


def test_torch_names_its_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name in the file is the card's own; without one there is none."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    cuda = SimpleNamespace(is_available=lambda: True, get_device_name=lambda _: "Some Card 80GB")
    monkeypatch.setattr(keras_device, "_module", lambda name: SimpleNamespace(cuda=cuda))
    assert device_name("torch") == "GPU: Some Card 80GB"
    cuda.is_available = lambda: False
    assert device_name("torch") is None
    cpu = [SimpleNamespace(platform="cpu", device_kind="cpu")]
    monkeypatch.setattr(keras_device, "_module", lambda name: SimpleNamespace(devices=lambda: cpu))
    assert device_name("jax") is None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert device_name("torch") is None
