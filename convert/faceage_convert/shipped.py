"""Convert the models that come with faceage, from the ranges recorded for them."""

from dataclasses import replace

from faceage_calibration.ranges import read_ranges
from faceage_convert.conversion import Converted, finish, to_quantized, verified
from faceage_convert.recipes import REFINABLE, Recipe
from faceage_edge.embedded import read_contract
from faceage_edge.model import read_model_bytes
from faceage_models.float_source import shipped_float

__all__ = ["convert_shipped"]


def convert_shipped(name: str, scheme: str) -> Converted:
    """Convert one shipped float model.

    Args:
        name: as for `shipped_float`.
        scheme: as for `Recipe`, or `none` for the float file itself.

    Returns:
        The verified file. The same tools give the same bytes as the shipped file of that scheme.

    Raises:
        ModelFileError: a file is missing or damaged, or verification failed.
    """
    source = shipped_float(name)
    if scheme == "none":
        return verified(Converted(source.data, source.contract, source))
    ranges = read_ranges(source.path.with_name(f"{source.contract.name}.ranges.json"))
    recipe = Recipe(scheme, refine=ranges.refine if scheme in REFINABLE else ())
    return finish(_with_known_figures(to_quantized(source, ranges, recipe)))


def _with_known_figures(converted: Converted) -> Converted:
    """Take over what was measured on the shipped int8 file, if this is the same graph.

    That file lies beside its float model. Another scheme or quantizer version gives another graph;
    the interval is then still the best that is known, the measured errors are not.
    """
    folder, name = converted.source.path.parent, converted.contract.name
    shipped = folder / f"{name}.int8.tflite"
    if not shipped.is_file():
        return converted
    known = read_contract(read_model_bytes(shipped), str(shipped))
    own = converted.contract.provenance
    same = known.provenance.get("graph_digest") == own["graph_digest"]
    provenance = known.provenance if same else own
    contract = replace(converted.contract, interval=known.interval, provenance=provenance)
    return replace(converted, contract=contract)
