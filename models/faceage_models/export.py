"""Write the shipped float models: raw .tflite files, each with a JSON of what it is.

    python -m faceage_models.export age --name age-tiny --weights age-tiny.keras --out DIR
    python -m faceage_models.export mtcnn --out DIR
    python -m faceage_models.export face-finder --weights models/face-finder --out DIR

The JSON is what `faceage-convert` makes a contract of: names, terms, outputs and how they decode.
The same weights give the same bytes.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faceage_edge.atomic import write_bytes, write_text
from faceage_edge.command import run
from faceage_edge.embedded import model_digest
from faceage_edge.errors import OutputError
from faceage_edge.flatbuffer import read_model_file
from faceage_models.finder_network import STRIDES, load_finder
from faceage_models.frameworks import import_keras
from faceage_models.joined_columns import join_columns
from faceage_models.layer_weights import weights_digest
from faceage_models.mtcnn_networks import onet, pnet, rnet
from faceage_models.shipped_ages import SHIPPED_AGES, load_shipped, shipped_age
from faceage_models.tflite_cost import graph_cost
from faceage_models.tflite_export import to_tflite

__all__ = ["export_age", "export_face_finder", "export_mtcnn", "main"]

_MTCNN: dict[str, Callable[[], Any]] = {"mtcnn-pnet": pnet, "mtcnn-rnet": rnet, "mtcnn-onet": onet}
_MTCNN_HEADS = {
    "face_logit": {"head": "face-logit", "meaning": "sigmoid is the probability of a face"},
    "box": {
        "head": "box-offsets",
        "meaning": "left, top, right, bottom shift as shares of the window's width and height",
    },
    "landmarks": {
        "head": "landmarks",
        "meaning": "x of left eye, right eye, nose, left and right mouth corner, then their y, as "
        "shares of the window; left and right as seen in the picture",
    },
}


_FINDER_HEADS = {
    **{
        f"logits{stride}": {"head": "face-logit", "meaning": "does each anchor stand for a face"}
        for stride in STRIDES
    },
    **{
        f"boxes{stride}": {
            "head": "box-offsets",
            "meaning": "of each anchor, the face's centre across and down in tenths of the "
            "anchor's side, and the logarithms of its width and height in anchor sides, times 5",
        }
        for stride in STRIDES
    },
}


def export_age(name: str, weights: Path, out: Path) -> Path:
    """Write a shipped float age model.

    Args:
        name: of `SHIPPED_AGES`.
        weights: its .keras.
        out: folder of the results, made where missing.

    Returns:
        The path of `<name>.tflite`; `<name>.json` lies beside it.

    Raises:
        ModelFileError: the weights cannot be read or do not fit.
        OutputError: the folder cannot be written.
        UsageError: there is no shipped model of that name.
        MissingExtraError: Keras or TensorFlow is not installed.
    """
    known = shipped_age(name)
    model, biases = load_shipped(weights)
    _make_folder(out)
    ranks = {
        "head": "coral",
        "first_age": 0,
        "ages": [0, len(biases)],
        "rank_bias": biases,
        "meaning": "logit k: is the face older than k years; age = sum of sigmoids",
    }
    facts = {
        "task": "age",
        "licence": known.licence,
        "weights_terms": known.terms,
        "source": {"file": weights.name, "sha256": weights_digest(weights)},
    }
    return _write(out, name, model, facts, {"ranks": ranks})


def export_mtcnn(out: Path) -> list[Path]:
    """Write the three float detector networks from the installed `mtcnn` package's weights.

    Args:
        out: folder of the results, made where missing.

    Returns:
        The paths of `mtcnn-pnet.tflite`, `mtcnn-rnet.tflite` and `mtcnn-onet.tflite`; a .json lies
        beside each.

    Raises:
        ModelFileError: the package holds other weights than expected.
        OutputError: the folder cannot be written.
        MissingExtraError: Keras, TensorFlow or `mtcnn` is not installed.
    """
    _make_folder(out)
    models = {name: build() for name, build in _MTCNN.items()}
    facts = _mtcnn_facts()
    return [_write(out, name, model, facts, _MTCNN_HEADS) for name, model in models.items()]


def _mtcnn_facts() -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "task": "face-detector",
        "licence": "MIT",
        "weights_terms": "weights of the Python package mtcnn (MIT, Copyright 2019-2024 Iván de "
        "Paz Centeno), from the networks of Zhang et al., arXiv:1604.02878",
        "source": {"package": "mtcnn", "version": version("mtcnn")},
    }


def export_face_finder(weights: Path, out: Path) -> list[Path]:
    """Write the two float networks of our own detector: the finder, and MTCNN's last network.

    Args:
        weights: folder with the trainer's `finder.weights.npz`.
        out: folder of the results, made where missing.

    Returns:
        The paths of `face-finder-finder.tflite` and `face-finder-aligner.tflite`; a .json lies
        beside each.

    Raises:
        ModelFileError: weights are missing, damaged, or of another network.
        OutputError: the folder cannot be written.
        MissingExtraError: Keras, TensorFlow or `mtcnn` is not installed.
    """
    # Before anything else chooses a back end: only this one exports.
    import_keras()
    _make_folder(out)
    file = weights / "finder.weights.npz"
    facts = {
        "task": "face-detector",
        "licence": "CC BY 4.0 and MIT",
        "weights_terms": "RFB-320 (Ultra-Light-Fast-Generic-Face-Detector-1MB by Linzaer, MIT, "
        "learnt from WIDER FACE), trained on with crops of FairFace (Karkkainen and Joo, CC BY "
        "4.0) and two of Intel's sample videos (CC BY 4.0), labelled by the networks of the "
        "Python package mtcnn (MIT)",
        "source": {"file": file.name, "sha256": weights_digest(file)},
    }
    network = join_columns(load_finder(file), "half", 4, relu="half_relu")
    finder = _write(out, "face-finder-finder", network, facts, _FINDER_HEADS, colour="BGR")
    aligner = join_columns(onet(), "conv1", 2)
    return [finder, _write(out, "face-finder-aligner", aligner, _mtcnn_facts(), _MTCNN_HEADS)]


def _write(
    out: Path,
    name: str,
    model: Any,
    facts: dict[str, Any],
    heads: dict[str, dict[str, Any]],
    *,
    colour: str = "RGB",
) -> Path:
    data = to_tflite(model)
    graph = read_model_file(data, name)
    batch, height, width, _ = graph.inputs[0].shape
    spec = {
        "format": 1,
        "name": name,
        **facts,
        "input": {
            "name": graph.inputs[0].name,
            "batch": batch,
            "height": height,
            "width": width,
            "colour": colour,
            "normalisation": "(u8 - 128) / 128",
        },
        "outputs": [
            {"name": output.name, "shape": list(output.shape), **heads[output.name]}
            for output in sorted(graph.outputs, key=lambda output: output.name)
        ],
        **asdict(graph_cost(data)),
        "model_digest": model_digest(data),
    }
    path = out / f"{name}.tflite"
    write_bytes(path, data)
    lines = [f" {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in spec.items()]
    write_text(path.with_suffix(".json"), "{\n" + ",\n".join(lines) + "\n}\n")
    return path


def _make_folder(out: Path) -> None:
    """Make the folder first: building a model takes long, and would be in vain."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {out}: {error.strerror}; choose a folder you may write to"
        ) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run the export from the command line; one path per line on stdout.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_models.export", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    age = kinds.add_parser("age", help="an age model, from what faceage-train wrote")
    age.add_argument("--name", choices=tuple(SHIPPED_AGES), default="age-mobilenet-coral")
    age.add_argument("--weights", type=Path, required=True, help="its .keras")
    mtcnn = kinds.add_parser("mtcnn", help="the three networks of the face detector")
    finder = kinds.add_parser("face-finder", help="the two networks of our own detector")
    finder.add_argument("--weights", type=Path, required=True, help="folder of their .npz files")
    for part in (age, mtcnn, finder):
        part.add_argument("--out", type=Path, required=True, help="folder for the results")
    options = parser.parse_args(argv)

    def body() -> int:
        if options.kind == "age":
            print(export_age(options.name, options.weights, options.out))
        elif options.kind == "face-finder":
            print(*export_face_finder(options.weights, options.out), sep="\n")
        else:
            print(*export_mtcnn(options.out), sep="\n")
        return 0

    return run("faceage_models.export", body)


if __name__ == "__main__":
    raise SystemExit(main())
