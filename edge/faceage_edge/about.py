"""What the chosen models are: `faceage-camera --about`."""

from pathlib import Path
from typing import Any

from faceage_edge.contract import AGE_HEADS, Contract
from faceage_edge.detector import load_stages, wanted_stages
from faceage_edge.errors import ModelFileError
from faceage_edge.loading import Choice
from faceage_edge.model import Model
from faceage_edge.own_interval import with_own_interval
from faceage_edge.two_branches import TwoBranches, load_branches

__all__ = ["about_models", "about_text"]

_INDENT = 12


def about_models(chosen: Choice) -> dict[str, Any]:
    """Describe the models that a command line means, as JSON values.

    They are loaded as for the camera, so what is described is what would run.

    Args:
        chosen: from `loading.choose`.

    Returns:
        `age`, a model; `detector`, with its `path`, `scheme` and `networks`, each a model with its
        `stage`. A model has `name`, `file`, `bytes`, `scheme`, `digest`, `input`, `licence` and
        `weights_terms`, an age model also `head`, `interval` and `measured`, and one of two files
        `whole`, the model that says where this one looks; what its contract does not say is None.

    Raises:
        ModelFileError: a file is missing or damaged, or the detector lacks a network.
        ContractError: a model without a contract, or with one about another file.
    """
    stages = load_stages(chosen.detector, scheme=chosen.scheme)
    if missing := [stage for stage in wanted_stages(stages) if stage not in stages]:
        raise ModelFileError(
            f"{chosen.detector} lacks the {chosen.scheme} face detector's {', '.join(missing)} "
            "network; name a whole one with --detector"
        )
    networks = [{"stage": s, **_facts(stages[s])} for s in wanted_stages(stages)]
    return {
        "age": _age(chosen.age),
        "detector": {
            "path": str(chosen.detector),
            "scheme": chosen.scheme,
            "networks": networks,
        },
    }


def about_text(document: dict[str, Any]) -> str:
    """The same in lines for people; `document` is from `about_models`."""
    age, detector = document["age"], document["detector"]
    lines = [f"age model {age['name']}", *_lines(age, _age_lines(age))]
    if "whole" in age:
        first = age["whole"]
        lines += ["", f"looking closer where {first['name']} says", *_lines(first, [])]
    lines += ["", f"face detector {detector['path']}, {detector['scheme']}"]
    for network in detector["networks"]:
        lines += ["", f"{network['stage']} network {network['name']}", *_lines(network, [])]
    return "\n".join(lines)


def _age(path: Path) -> dict[str, Any]:
    model = load_branches(path)
    if isinstance(model, TwoBranches):
        return _age_facts(model.closer) | {"whole": _facts(model.whole)}
    return _age_facts(model)


def _facts(model: Model) -> dict[str, Any]:
    contract = model.contract
    picture = contract.input
    return {
        "name": contract.name,
        "file": str(model.path),
        "bytes": _size(model.path),
        "scheme": contract.scheme,
        "digest": contract.model_digest,
        "input": {
            "width": picture.width,
            "height": picture.height,
            "colour": picture.colour,
            "dtype": picture.dtype,
        },
        "licence": contract.licence,
        "weights_terms": contract.provenance.get("weights_terms"),
    }


def _age_facts(model: Model) -> dict[str, Any]:
    if model.contract.task != "age":
        raise ModelFileError(
            f"{model.path} is a {model.contract.task} model, expected an age model"
        )
    contract = with_own_interval(model.contract, model.path)
    measured = contract.provenance.get("measured")
    return _facts(model) | {
        "head": next(output.head for output in contract.outputs if output.head in AGE_HEADS),
        "interval": _interval(contract),
        "measured": measured if isinstance(measured, dict) else None,
    }


def _interval(contract: Contract) -> dict[str, Any] | None:
    interval = contract.interval
    return None if interval is None else {"coverage": interval.coverage, "n": interval.n}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise ModelFileError(f"cannot read the model {path}: {error.strerror or error}") from error


def _lines(facts: dict[str, Any], more: list[tuple[str, str]]) -> list[str]:
    picture = facts["input"]
    rows = [
        ("file", facts["file"]),
        ("size", f"{facts['bytes']:,} bytes"),
        ("scheme", facts["scheme"]),
        ("digest", facts["digest"]),
        ("input", f"{picture['width']} x {picture['height']} {picture['colour']}, "
                  f"{picture['dtype']}"),
        *more,
        ("licence", facts["licence"]),
        ("terms", facts["weights_terms"] or "not stated"),
    ]  # fmt: skip
    return [f"  {key:<{_INDENT}}{value}" for key, value in rows]


def _age_lines(age: dict[str, Any]) -> list[tuple[str, str]]:
    interval = age["interval"]
    held = "none: years ± spread, no coverage claimed"
    if interval is not None:
        share = f"{100 * interval['coverage']:g} %"
        held = f"holds the age of {share} of faces, fitted on {interval['n']:,}"
    return [
        ("head", age["head"]),
        ("interval", held),
        ("error", _error(age["measured"], age["scheme"])),
    ]


def _error(measured: dict[str, Any] | None, scheme: str) -> str:
    """The mean absolute error, where a conversion measured it: foreign files may hold anything."""
    figures = {key: (measured or {}).get(f"mae_{key}") for key in ("int8", "float")}
    known = [f"{v:.2f} years {k}" for k, v in figures.items() if isinstance(v, int | float)]
    if measured is None or not known:
        return f"not stated for this {scheme} file; faceage-benchmark accuracy measures it"
    return f"{', '.join(known)}: mean absolute, {measured.get('n')} faces of {measured.get('set')}"
