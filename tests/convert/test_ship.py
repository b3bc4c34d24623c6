"""The maintainers' step: raw exports become the float files that are shipped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceage_convert.ship import age_template, main
from faceage_edge.contract import Contract
from faceage_edge.embedded import contract_bytes, read_contract
from faceage_edge.golden import golden_picture
from faceage_edge.model import load_model

CASCADE = ("mtcnn-onet", "mtcnn-pnet", "mtcnn-rnet")


def plain(contract: Contract) -> dict[str, Any]:
    """A contract without what depends on this machine's packages."""
    known = {key: contract.provenance[key] for key in ("scheme", "source", "weights_terms")}
    return {**contract.to_json(), "golden": {}, "provenance": known}


def same(ours: Path, theirs: Path) -> None:
    """Hold a float file made here to the shipped one: its contract, and what it computes."""
    name = ours.name.removesuffix(".float32.tflite")
    contracts = [read_contract(path.read_bytes(), name) for path in (ours, theirs)]
    assert plain(contracts[0]) == plain(contracts[1])
    wanted = contracts[0].input
    picture = golden_picture("face", wanted.height, wanted.width)[None]
    # Another TensorFlow may write the graph otherwise; what it computes stays.
    one, other = (load_model(path).run(picture) for path in (ours, theirs))
    for output in one:
        assert one[output] == pytest.approx(other[output], abs=1e-4)
    assert ours.with_suffix(".json").read_bytes() == contract_bytes(contracts[0])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own
def test_cascade(tmp_path: Path, shipped: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The mtcnn package's weights come out as the shipped float networks and contracts."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install '.[train]'")
    pytest.importorskip("mtcnn", reason="needs the mtcnn package: pip install '.[bench]'")
    from faceage_models.export import export_mtcnn

    export_mtcnn(tmp_path / "raw")
    assert main(["--raw", str(tmp_path / "raw"), "--models", str(tmp_path)]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == list(CASCADE)
    for name in CASCADE:
        same(*(folder / f"{name}.float32.tflite" for folder in (tmp_path / "mtcnn", shipped.mtcnn)))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own
def test_face_finder(tmp_path: Path, repo_root: Path) -> None:
    """The weights that lie beside the shipped float networks are those they were made of."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install '.[train]'")
    from faceage_models.export import export_face_finder

    shipped = repo_root / "models" / "face-finder"
    export_face_finder(shipped, tmp_path / "raw")
    assert main(["--raw", str(tmp_path / "raw"), "--models", str(tmp_path)]) == 0
    for name in ("face-finder-finder", "face-finder-aligner"):
        same(*(folder / f"{name}.float32.tflite" for folder in (tmp_path / "face-finder", shipped)))


def test_the_template_is_the_shipped_models(age_float_bytes: bytes) -> None:
    """The crop that the shipped contract states follows from the measured landmarks."""
    template = read_contract(age_float_bytes, "shipped").crop.template
    assert template is not None
    assert (template.width, template.height) == (128, 128)
    assert age_template(128).points.tolist() == template.points.tolist()


def _empty(raw: Path, model: bytes) -> None:
    raw.mkdir()


def _no_json(raw: Path, model: bytes) -> None:
    raw.mkdir()
    (raw / "age.tflite").write_bytes(model)


def _no_model(raw: Path, model: bytes) -> None:
    raw.mkdir()
    (raw / "age.tflite").write_bytes(b"no model")
    (raw / "age.json").write_text("{}")


BAD = [
    (_empty, "holds no .tflite; write some with", "an empty folder"),
    (_no_json, "which the export writes", "a model without its JSON"),
    (_no_model, "is not a TensorFlow Lite model", "a file that is no model"),
]


@pytest.mark.parametrize(("make", "message", "note"), BAD, ids=[case[2] for case in BAD])
def test_bad_exports(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    bare_float: bytes,
    make: Callable[[Path, bytes], None],
    message: str,
    note: str,
) -> None:
    """What was not exported is refused, and nothing is written."""
    make(tmp_path / "raw", bare_float)
    assert main(["--raw", str(tmp_path / "raw"), "--models", str(tmp_path / "models")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "models").exists()
