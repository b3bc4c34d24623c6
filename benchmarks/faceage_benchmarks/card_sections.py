"""The tables of a model card, as Markdown, from accuracy results: exact ages, and bins."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from faceage_benchmarks.age_groups import ATTRIBUTES, FEWEST
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.targets import Judged

__all__ = ["age_sections", "bin_sections", "target_section"]

_NONE = "–"
Row = Sequence[str]


def age_sections(result: Mapping[str, Any], where: str) -> str:
    """Return the tables of a result with exact ages: by age, by label, intervals.

    Args:
        result: as read by result.read_result.
        where: its path, for the text and for messages.

    Raises:
        ResultFileError: bins, or a file of before it held these figures.
    """
    _needs(result, where, "years", ("per_band", "by_gender", "by_ethnicity"))
    shown = [_sentence(result, where), _by_age(result)]
    shown += [_by_label(result, attribute, "mae", "MAE, years") for attribute in ATTRIBUTES]
    if "intervals" in result:
        shown.append(_intervals(result["intervals"]))
    else:
        shown.append("The model states no prediction interval.\n")
    if "reliability" in result:
        shown.append(_levels(result))
    return "\n".join(shown)


def bin_sections(result: Mapping[str, Any], where: str) -> str:
    """Return the tables of a result with bins of ages: by bin, by label; as `age_sections`."""
    _needs(result, where, "bins", ("by_gender", "by_ethnicity"))
    rows = [
        [
            band["bin"],
            _count(band["n"]),
            _years(band, "outside_bin"),
            _percent(band["bin_accuracy"]),
        ]
        for band in result["per_bin"]
    ]
    shown = [_sentence(result, where)]
    shown.append(_table(["age", "n", "years outside the bin", "in the bin"], rows))
    shown += [
        _by_label(result, attribute, "outside_bin", "years outside the bin")
        for attribute in ATTRIBUTES
    ]
    return "\n".join(shown)


def target_section(judged: Sequence[Judged]) -> str:
    """Return the table of targets: the value nearest to missing the bound, and reached or not."""
    rows = [
        [
            one.target.target,
            f"{'≤' if one.target.at_most else '≥'} {one.target.bound:g}",
            f"{one.value:.3f}",
            "reached" if one.reached else "**not reached**",
        ]
        for one in judged
    ]
    return _table(["target", "bound", "value", ""], rows)


def _needs(result: Mapping[str, Any], where: str, unit: str, keys: Sequence[str]) -> None:
    if result["kind"] != "accuracy" or result["samples"]["unit"] != unit:
        raise ResultFileError(f"{where} is no accuracy result in {unit}; give one that is")
    missing = [key for key in keys if key not in result]
    if missing:
        raise ResultFileError(
            f"{where} has no {', '.join(missing)}: it was written before this version, or its set "
            "or model has no such label or interval; measure again with: "
            + " ".join(result["command"])
        )


def _sentence(result: Mapping[str, Any], where: str) -> str:
    faces = result["set"]["path"].rpartition("/")[2]
    return (
        f"{result['n']:,} faces of `{faces}`, {result['crops']} crops, "
        f"{result['model']['name']} {result['model']['scheme']} (`{where}`).\n"
    )


def _by_age(result: Mapping[str, Any]) -> str:
    bands = result["per_band"]
    head = ["age", "n", "MAE, years", "signed error"]
    columns: list[Callable[[Mapping[str, Any]], str]] = [
        lambda band: band["band"],
        lambda band: _count(band["n"]),
        lambda band: _years(band, "mae"),
        lambda band: _signed(band, "signed_error"),
    ]
    if "against" in result:
        head.append(f"ΔMAE {result['model']['scheme']} − {result['against']['scheme']}")
        columns.append(lambda band: _signed(band, "delta_mae"))
    if "intervals" in result:
        head += [
            f"{_level(result['intervals']['nominal'])} interval holds",
            "its mean width, years",
        ]
        # A band all of whose faces the interval was fitted on says nothing of it.
        columns.append(lambda band: _share(band, "coverage") if "coverage" in band else "–")
        columns.append(lambda band: f"{band['width']:.1f}" if "width" in band else "–")
    return _table(head, [[column(band) for column in columns] for band in bands])


def _by_label(result: Mapping[str, Any], attribute: str, key: str, title: str) -> str:
    figures = result[f"by_{attribute}"]
    signed = "signed_error" in figures["groups"][0]
    head = [attribute, "n", title, "the same, age-standardised"]
    rows = []
    for group in figures["groups"]:
        row = [group["group"], _count(group["n"]), _years(group, key)]
        row.append(_years(group, f"{key}_standardised"))
        rows.append(row + ([_signed(group, "signed_error")] if signed else []))
    table = _table(head + (["signed error"] if signed else []), rows)
    return table + "\n" + _spread(figures, attribute, key)


def _spread(figures: Mapping[str, Any], attribute: str, key: str) -> str:
    apart = figures["max_minus_min"]
    if apart[key] is None:
        text = f"Fewer than two groups by {attribute} have {FEWEST} faces: not compared."
    else:
        standardised = apart[f"{key}_standardised"]
        text = (
            f"Largest minus smallest by {attribute}, groups of at least {FEWEST} faces: "
            f"{standardised:.2f} years age-standardised, {apart[key]:.2f} as they are."
        )
    lacking = [
        f"{group['group']} {', '.join(group['bands_missing'])}"
        for group in figures["groups"]
        if group["bands_missing"] and group[f"{key}_standardised"] is not None
    ]
    if lacking:
        text += f" Ages without a face, left out of the standard: {'; '.join(lacking)}."
    if figures["unlabelled"]:
        text += f" Without this label: {figures['unlabelled']}."
    return text + "\n"


def _intervals(figures: Mapping[str, Any]) -> str:
    constant = figures["constant"]
    sides = [figures] if constant is None else [figures, constant]
    head = ["", "the model's own", "one constant width"][: len(sides) + 1]
    # Files of before had all faces, and did not say so.
    counted = [["faces", *[_count(figures["n"])] * len(sides)]] if "n" in figures else []
    rows = [
        *counted,
        [
            f"coverage, stated {_level(figures['nominal'])}",
            *(_share(side, "coverage") for side in sides),
        ],
        ["mean width, years", *(f"{side['width']:.1f}" for side in sides)],
        ["interval score, years", *(_years(side, "score") for side in sides)],
    ]
    text = _table(head, rows)
    if "score_ratio" in figures:
        low, high = figures["score_ratio_ci95"]
        text += (
            f"\nScore of the model's own over the constant's: {figures['score_ratio']:.3f} "
            f"({low:.3f} – {high:.3f}); below 1 the model's are better.\n"
        )
    return text


def _levels(result: Mapping[str, Any]) -> str:
    head = ["stated", "offsets × (normal errors)", "holds", "offsets × (fitted here)", "mean width"]
    rows = []
    for level in result["reliability"]["levels"]:
        row = [_level(level["nominal"]), f"{level['normal_scale']:.2f}"]
        row.append(_share(level, "normal_coverage"))
        if "fitted_scale" in level:
            row += [f"{level['fitted_scale']:.2f}", f"{level['fitted_width']:.1f}"]
        rows.append(row + [_NONE] * (len(head) - len(row)))
    return "Other levels, by scaling the offsets of the one that was fitted:\n\n" + _table(
        head, rows
    )


def _table(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = [[cell.replace("|", "/") for cell in line] for line in lines]
    return "".join("| " + " | ".join(line) + " |\n" for line in cells)


def _years(figures: Mapping[str, Any], key: str) -> str:
    return _with_interval(figures, key, ".2f", "–")


def _signed(figures: Mapping[str, Any], key: str) -> str:
    return _with_interval(figures, key, "+.2f", "to")


def _share(figures: Mapping[str, Any], key: str) -> str:
    low, high = figures[f"{key}_ci95"]
    return f"{100 * figures[key]:.1f} % ({100 * low:.1f} – {100 * high:.1f})"


def _with_interval(figures: Mapping[str, Any], key: str, form: str, between: str) -> str:
    value, interval = figures[key], figures[f"{key}_ci95"]
    if value is None:
        return _NONE
    if interval is None:
        return format(value, form)
    low, high = interval
    return f"{value:{form}} ({low:{form}} {between} {high:{form}})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _level(share: float) -> str:
    return f"{100 * share:g} %"


def _count(n: int) -> str:
    return f"{n:,}"
