"""A run of an age model's training, apart from its command."""

from pathlib import Path

import numpy as np

from faceage_models.age_heads import head_named
from faceage_models.age_run import AgeRun, Schedule, Stage
from faceage_models.frameworks import import_keras


def test_a_count_is_not_averaged(tmp_path: Path) -> None:
    """EfficientNet's normalisation counts what it has seen, in a weight of whole numbers."""
    keras, head = import_keras(), head_named("regression")
    pixels = keras.Input((32, 32, 3), name="input")
    x = keras.layers.Normalization(name="normalization")(pixels)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    model = keras.Model(pixels, head.output(x), name="counting")
    counts = [w for w in model.get_weights() if not np.issubdtype(w.dtype, np.floating)]
    assert counts, "Keras' normalisation has a count no more: this test shows nothing"
    crops = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    spans = np.full((16, 2), 30.0)
    batches = iter([(crops, head.targets(spans))] * 40)
    schedule = Schedule((Stage(2),), 16, 1e-3, 1e-4)
    run = AgeRun(model, head, schedule, np.ones(100, np.float32), tmp_path)
    best = run.train(batches, lambda predict: float(predict(crops).mean()), lambda *_: None)
    assert np.isfinite(best.mae)
    with run.averaged():
        kept = [w for w in model.get_weights() if not np.issubdtype(w.dtype, np.floating)]
    assert all((a == b).all() for a, b in zip(counts, kept, strict=True))
