"""Steps in bfloat16 on PyTorch, each in a process of its own: Keras has one back end a process."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from faceage_models.frameworks import import_keras
from faceage_models.train_age import main

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs PyTorch: pip install torch==2.13.0"
)

# What every script begins with: a network of two strides, faces whose brightness tells the age.
BEGIN = """
import json, sys
from pathlib import Path
import numpy as np, torch, keras
from faceage_edge.errors import UsageError
from faceage_models.age_backbones import age_model
from faceage_models.age_heads import head_named, rank_importance
from faceage_models.age_inputs import input_named
from faceage_models.age_run import AgeRun, Schedule, Stage
from faceage_models import quick_torch
keras.utils.set_random_seed(1)
head = head_named("coral")
model = age_model("mobilenet-v1", head, size=64, alpha=0.25)
random = np.random.default_rng(2)
spans = np.repeat(random.integers(1, 90, 32)[:, None], 2, 1).astype(float)
noise = random.integers(-20, 20, (32, 64, 64, 3))
crops = np.clip(2.5 * spans[:, :1, None, None] + noise, 0, 255).astype(np.uint8)
targets, importance = head.targets(spans), rank_importance(spans[:, 0])
head.begin(model, spans)
def run(precision, stages=(Stage(2),), steps=40):
    schedule = Schedule(stages, steps, 3e-3, 0.01)
    return AgeRun(model, head, schedule, importance, Path(sys.argv[1]), precision=precision)
"""


def asked(script: str, tmp_path: Path) -> Any:
    """What a script prints last, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + script, str(tmp_path)],
        capture_output=True, text=True, check=False,
        env=os.environ | {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@needs_torch
def test_layers_are_those_of_keras(tmp_path: Path) -> None:
    """Each layer answers as Keras' own does in training, and so do its slopes."""
    apart = asked(
        """
keras.config.set_dtype_policy("float64")
model = age_model("mobilenet-v1", head, size=64, alpha=0.25)
def told(layer, x, slope, quick):
    x = x.detach().requires_grad_()
    given = x if quick else x.permute(0, 2, 3, 1)
    more = {"training": True} if isinstance(layer, keras.layers.BatchNormalization) else {}
    y = quick_torch.quick_features([layer], given) if quick else layer(given, **more)
    y = y if quick or y.ndim == 2 else y.permute(0, 3, 1, 2)
    wanted = [x, *(v.value for v in layer.trainable_variables)]
    return [y, *torch.autograd.grad((y * slope(y)).sum(), wanted)]
x, apart = quick_torch._pixels(torch, crops, input_named("signed-128")).double(), {}
draws = torch.Generator().manual_seed(3)
for layer in model.layers[1:-1]:
    kept = []
    def slope(y):
        kept.append(torch.randn(y.shape, generator=draws).double()) if not kept else None
        return kept[0]
    own, quick = (told(layer, x, slope, how) for how in (False, True))
    apart[layer.name] = max(float((a - b).norm() / a.norm()) for a, b in zip(own, quick))
    x = own[0]
print(json.dumps(apart))
""",
        tmp_path,
    )
    assert len(apart) == 27 * 3 + 1
    assert max(apart.values()) < 1e-5, max(apart, key=lambda name: apart[name])


@needs_torch
def test_it_learns_and_measures_its_normalisation(tmp_path: Path) -> None:
    """A run of two epochs beats the answer that is the same for all, and can be taken up again."""
    mae, plain, step, again, mode = asked(
        """
def batches():
    while True: yield crops, targets
def validate(predict): return float(np.abs(predict(crops) - spans[:, 0]).mean())
best = run("bfloat16").train(batches(), validate, lambda *_: None)
taken_up = run("bfloat16", (Stage(3),))
step = taken_up.step
again = taken_up.train(batches(), validate, lambda *_: None)
plain = float(np.abs(spans[:, 0] - np.median(spans[:, 0])).mean())
print(json.dumps([best.mae, plain, step, again.mae, str(model.layers[1].kernel.dtype)]))
""",
        tmp_path,
    )
    assert mae < 0.6 * plain
    assert again <= mae
    assert (step, mode) == (80, "float32")


@needs_torch
def test_answers_are_those_of_keras(tmp_path: Path) -> None:
    """And so is the normalisation measured anew, which leaves all else as it is."""
    apart, answers, moved, stayed, other = asked(
        """
from faceage_models.crop_answers import answers_of, bytes_model, keras_answers
from faceage_models.settled import settle
taken = input_named("signed-128")
whole, quick = keras_answers(bytes_model(model)), answers_of(model, taken, head_layers=head.layers)
def measured(answers):
    model.set_weights(before)
    settle(model, [crops, crops[::-1], crops[:, ::-1]], answers)
    return [np.array(w) for w in model.get_weights()]
before = [np.array(w) for w in model.get_weights()]
own, same = measured(whole), measured(quick)
apart = max(float(np.abs(a - b).max() / np.abs(a).max()) for a, b in zip(own, same))
answers = np.abs(whole(crops) - quick(crops)).max()
names = [w.path for w in model.weights]
moved = [n for n, a, b in zip(names, before, same) if (a != b).any()]
trained = [layer.name for layer in model.layers if not layer.trainable]
other = age_model("mobilenet-v3-small", head, size=64, alpha=1)
slow = answers_of(other, taken, head_layers=head.layers)(crops)
apart_too = float(np.abs(slow - bytes_model(other, taken).predict_on_batch(crops)).max())
print(json.dumps([apart, float(answers), moved, trained, apart_too]))
""",
        tmp_path,
    )
    # PyTorch divides a variance by one less than it has numbers, 96 faces of 2 x 2 at the end.
    assert apart < 2e-3 + 1 / (96 * 4 - 1)
    assert answers < 1e-3
    assert len(moved) == 27 * 2
    assert all("moving" in name for name in moved)
    assert (stayed, other) == ([], 0)


@needs_torch
def test_frozen_layers_stay(tmp_path: Path) -> None:
    """While the head learns alone nothing before it moves, its normalisation included."""
    moved = asked(
        """
before = [np.array(w) for w in model.get_weights()]
training = run("bfloat16", (Stage(1, "head"),), 4)
for _ in range(4): training._step(crops, targets)
names = [w.path for w in model.weights]
print(json.dumps([n for n, a, b in zip(names, before, model.get_weights()) if (a != b).any()]))
""",
        tmp_path,
    )
    assert moved
    assert all(name.startswith("coral/") for name in moved)


CASES = [
    # network and how it takes a picture, what is said of it, note
    (("mobilenet-v3-small", "signed-128"), "no part of one", "branches"),
    (("ssr-net", "signed-128"), "no part of one", "two streams"),
    (("mobilenet-v1", "caffe"), "--normalise caffe", "blue first"),
    (("mobilenet-v1", "standardise"), "--normalise standardise", "no one scale"),
]


@needs_torch
@pytest.mark.parametrize(("asking", "said", "note"), CASES)
def test_refused(asking: tuple[str, str], said: str, note: str, tmp_path: Path) -> None:
    """What cannot be computed so is told before anything is done."""
    message = asked(
        f"""
name, taken = {asking!r}
other = age_model(name, head, size=64, alpha=1)
try: quick_torch.check_quick(other, input_named(taken), head_layers=head.layers)
except UsageError as error: print(json.dumps(str(error)))
""",
        tmp_path,
    )
    assert said in message, note


def test_tensorflow_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On another back end it is wrong usage, said before a face is read."""
    import_keras()
    faces = ["--data", str(tmp_path / "none"), "--validate", str(tmp_path / "nothing")]
    assert main([*faces, "--out", str(tmp_path / "run"), "--precision", "bfloat16"]) == 2
    shown = capsys.readouterr().err
    assert "--precision bfloat16 needs PyTorch" in shown
    assert "KERAS_BACKEND=torch" in shown
    assert not (tmp_path / "run").exists()
