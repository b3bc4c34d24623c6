"""The self-test: the same pictures everywhere, and a machine that computes otherwise is found."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.contract import Contract, Crop, Input, Normalisation, Output
from faceage_edge.detector_stage import Stage
from faceage_edge.errors import ContractError
from faceage_edge.golden import GENERATORS, check_golden, golden_picture, record_golden, sample
from faceage_edge.model import Model, load_model

MODELS = sorted((Path(__file__).resolve().parents[2] / "models").glob("*/*.tflite"))

# A change of a digest here makes every contract's golden outputs wrong: raise the format.
DIGESTS = {
    ("noise-1", 24, 24): "a8e01269ead9e741fccbd4853250c30d1d4274b80a5455b6ba11e1781e943a8b",
    ("noise-2", 24, 24): "2609b6e17ab5a59c65fb17eff736e432ee8f5490ed5b5fb81aa666ef924e4a9a",
    ("face", 24, 24): "f84e9c11e06fc6626d4f96d0309285c56638bff3457c99909eaabb3e1fcf3af3",
    ("noise-1", 128, 128): "adce9619b172237d56e9a56ccde9b368876f817dba0e67dddb2ef433998a0837",
    ("noise-2", 128, 128): "2bcdfec3421a3db4b8fdf9000bbf62fdc600fdec8f5ad3a4761d3d1dd08804b2",
    ("face", 128, 128): "97e39e38891495e714dd936ef589951e63e9e9a191182a66e6a8f4d288e5b8c8",
    ("noise-1", 248, 272): "90c35f523d9a8ca616cc8bc976b0dbc29e00f05aff1784eb605a2b43aa385f16",
    ("noise-2", 248, 272): "1fab4650103e2665dc9408d4d812cf923a1fc5e260ca6e0088718c5588d0d36e",
    ("face", 248, 272): "64c2a2a2510920fea7f7b5d67b092869385cd5619ee1238a1ea5dfac86778fa5",
}


@pytest.mark.parametrize(("generator", "height", "width"), DIGESTS)
def test_the_pictures_are_fixed(generator: str, height: int, width: int) -> None:
    """Integer arithmetic gives the same bytes on every machine and numpy, and overflows nowhere."""
    with np.errstate(all="raise"):
        picture = golden_picture(generator, height, width)
    assert (picture.shape, picture.dtype) == ((height, width, 3), np.uint8)
    assert hashlib.sha256(picture.tobytes()).hexdigest() == DIGESTS[generator, height, width]


def test_noise_by_hand() -> None:
    """The first bytes follow MurmurHash3's finaliser, computed with Python's own integers."""

    def mixed(value: int) -> int:
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
            value ^= value >> shift
            value = value * factor % 2**32
        return (value ^ value >> 16) & 255

    for number, generator in enumerate(("noise-1", "noise-2"), start=1):
        start = number * 0x9E3779B9 % 2**32
        expected = [mixed((start + i) % 2**32) for i in range(300)]
        assert golden_picture(generator, 10, 10).ravel().tolist() == expected


def test_noise_is_noise() -> None:
    """All values about equally often, and the two pictures unlike."""
    first, second = (golden_picture(name, 100, 100) for name in GENERATORS[:2])
    counts = np.bincount(first.ravel(), minlength=256)
    assert counts.min() > 70
    assert counts.max() < 180
    assert (first == second).mean() < 0.01


@pytest.mark.parametrize("side", [128, 200, 300])
def test_the_drawn_face_is_a_face(side: int) -> None:
    """Skin, dark pupils left and right, a mouth below; the same drawing at any size."""
    picture = golden_picture("face", side, side)
    places = {(74, 82): "pupil", (126, 82): "pupil", (100, 146): "mouth", (60, 120): "skin"}
    colours = {"pupil": [50, 40, 30], "mouth": [80, 70, 160], "skin": [120, 150, 200]}
    for (x, y), part in places.items():
        assert picture[y * side // 200, x * side // 200].tolist() == colours[part]
    assert picture[0, 0].tolist() == [90, 90, 90]


def test_unknown_pictures() -> None:
    """There are three."""
    with pytest.raises(ValueError, match="not in tuple"):
        golden_picture("noise-3", 4, 4)


@pytest.mark.parametrize(
    ("size", "count"), [(1, 1), (10, 10), (64, 64), (65, 33), (100, 50), (129, 43), (62356, 64)]
)
def test_samples_are_spread_out(size: int, count: int) -> None:
    """At most 64, evenly spaced from the first on, integers as integers."""
    chosen = sample(np.arange(size, dtype=np.int32).reshape(1, -1, 1))
    assert len(chosen) == count <= 64
    assert chosen[0] == 0
    assert all(isinstance(value, int) for value in chosen)
    assert len(set(np.diff(chosen))) <= 1
    assert sample(np.array([1.23456789], np.float32)) == [1.23457]


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
@pytest.mark.parametrize("kernels", ["xnnpack", "builtin"])
def test_shipped_models_pass(path: Path, kernels: str) -> None:
    """This machine computes what the converter's machine computed."""
    model = load_model(path, xnnpack=kernels == "xnnpack")
    assert 0 <= check_golden(model, kernels) <= model.contract.golden["tolerance"]


@pytest.fixture
def refine(request: pytest.FixtureRequest) -> Model:
    """R-Net in int8; each test may change its contract."""
    return load_model(MODELS[0].parents[1] / "mtcnn" / "mtcnn-rnet.int8.tflite")


def with_golden(model: Model, golden: dict[str, Any]) -> Model:
    """The model with other golden outputs in its contract."""
    model.contract = replace(model.contract, golden=golden)
    return model


def test_recording_gives_what_is_checked(refine: Model) -> None:
    """A fresh recording of this machine passes without any tolerance."""
    golden = {"tolerance": 0, "xnnpack": record_golden(refine)}
    assert check_golden(with_golden(refine, golden), "xnnpack") == 0


@pytest.mark.parametrize("change", [2, -2, 100, float("nan"), float("inf")])
def test_another_expectation_fails(
    refine: Model, change: float, changed: Callable[..., dict[str, Any]]
) -> None:
    """One value of one picture beyond the tolerance is enough; one quantum is not."""
    golden = refine.contract.golden
    for name in golden["xnnpack"]:
        place = ("xnnpack", name, 2, 0)
        value = golden["xnnpack"][name][2][0]
        wrong = changed(golden, place, value + change)
        with pytest.raises(ContractError, match="differ from the converter's"):
            check_golden(with_golden(refine, wrong), "xnnpack")
        near = changed(golden, place, value + 1)
        assert check_golden(with_golden(refine, near), "xnnpack") == 1


def test_a_runtime_that_computes_nan_fails(refine: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a number is never within a tolerance, in whichever output it stands."""
    golden = refine.contract.golden
    for broken in golden["xnnpack"]:
        recorded = {name: [list(row) for row in rows] for name, rows in golden["xnnpack"].items()}
        recorded[broken][0][0] = float("nan")
        monkeypatch.setattr(
            "faceage_edge.golden.record_golden", lambda model, found=recorded: found
        )
        with pytest.raises(ContractError, match="by nan"):
            check_golden(refine, "xnnpack")


MALFORMED: list[tuple[tuple[str | int, ...], object, str]] = [
    (("xnnpack",), ..., "no recording for these kernels"),
    (("xnnpack",), [], "a list for an object"),
    (("xnnpack", "box"), ..., "an output left out"),
    (("xnnpack", "box"), [[1, 2]], "other pictures"),
    (("xnnpack", "box", 1), ..., "a picture left out"),
    (("xnnpack", "box", 0), [1], "fewer values in one picture"),
    (("xnnpack", "box", 0, 0), "1.5x", "a text"),
    (("xnnpack", "box", 0, 0), None, "null"),
    (("tolerance",), ..., "no tolerance"),
    (("tolerance",), "wide", "a tolerance in words"),
    (("tolerance",), None, "a tolerance of null"),
]


@pytest.mark.parametrize(("place", "value", "note"), MALFORMED)
def test_malformed_golden_outputs(
    place: tuple[str | int, ...],
    value: object,
    note: str,
    refine: Model,
    changed: Callable[..., dict[str, Any]],
) -> None:
    """A contract whose golden part does not fit the model is a ContractError."""
    model = with_golden(refine, changed(refine.contract.golden, place, value))
    with pytest.raises(ContractError):
        check_golden(model, "xnnpack")


def test_a_tolerance_that_is_no_number_does_not_pass(
    refine: Model, changed: Callable[..., dict[str, Any]]
) -> None:
    """NaN as a tolerance allows nothing."""
    golden = changed(refine.contract.golden, ("tolerance",), float("nan"))
    with pytest.raises(ContractError, match="allowed are nan"):
        check_golden(with_golden(refine, golden), "xnnpack")


def test_no_golden_outputs_at_all(refine: Model) -> None:
    """The message names the kernels that were asked for."""
    with pytest.raises(ContractError, match="no golden outputs for builtin"):
        check_golden(with_golden(refine, {}), "builtin")


def test_behind_the_count_of_boxes_nothing_is_expected() -> None:
    """There stands what stood in memory: not the same twice, and not always a number."""
    heads = {"boxes": 12, "box-classes": 3, "box-scores": 3, "box-count": 1}
    contract = Contract(
        task="face-detector", name="toy", licence="none",
        input=Input("picture", 1, 8, 8, "RGB", "float32", 1.0, 0, Normalisation("affine")),
        crop=Crop("frame"),
        outputs=tuple(Output(f"the {h}", h, "float32", 1.0, 0, n) for h, n in heads.items()),
        detector=Stage("boxes", 0.0, 0.5),
    )  # fmt: skip

    class Runner:
        path = Path("toy.tflite")

        def __init__(self, contract: Contract, rest: float) -> None:
            self.contract, self._rest = contract, rest

        def run_raw(self, pictures: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.generic]]:
            made = {head: np.full(n, self._rest, np.float32) for head, n in heads.items()}
            made["boxes"][:8], made["box-classes"][:2] = 0.5, 0
            made["box-scores"][:2], made["box-count"][:] = 0.9, 2
            return {f"the {head}": values[None] for head, values in made.items()}

    recorded = record_golden(Runner(contract, np.nan))
    assert recorded["the boxes"][0] == [0.5] * 8 + [0.0] * 4
    assert recorded["the box-scores"][2] == [0.9, 0.9, 0.0]
    golden = {"tolerance": 1e-3, "xnnpack": recorded}
    assert check_golden(Runner(replace(contract, golden=golden), 1e9), "xnnpack") == 0
