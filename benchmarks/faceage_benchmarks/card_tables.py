"""Keep a model card's tables equal to the result files that they come from.

    python -m faceage_benchmarks.card_tables --result accuracy-detect.json \
        --fairface accuracy-fairface.json --targets age-targets.json --into README.md [--check]

The tables stand between two comments that do not show when the page is rendered, and whatever
stands between them is replaced:

    <!--figures-by-group-->
    <!--/figures-by-group-->
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from faceage_benchmarks.card_sections import age_sections, bin_sections, target_section
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.marked import with_marked
from faceage_benchmarks.result import read_result
from faceage_benchmarks.targets import judge, read_targets
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.errors import QualityGateError

__all__ = ["card_text", "main", "with_tables"]

_PROGRAM = "faceage_benchmarks.card_tables"
_NOTE = """\
95 % intervals in brackets: bootstrap over faces (paired for ΔMAE), Wilson's score interval for
shares. Age-standardised: a group's mean error in each band of age, weighted by the whole set's
share of that band, so that groups of unlike ages compare. Signed errors and ΔMAE in years.
"""
_MARKS = "<!--figures-by-group-->", "<!--/figures-by-group-->"


def main(argv: Sequence[str] | None = None) -> int:
    """Rewrite the card, or with `--check` only compare: exit 3 when its tables are out of date."""
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Renew a model card's tables.")
    parser.add_argument(
        "--result", required=True, metavar="FILE", help="accuracy result with exact ages"
    )
    parser.add_argument("--fairface", metavar="FILE", help="accuracy result with bins of ages")
    parser.add_argument("--targets", metavar="FILE", help="JSON list of targets to judge")
    parser.add_argument("--into", required=True, metavar="CARD", help="the Markdown file to renew")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 3 on a change")
    options = parser.parse_args(argv)
    words = list(sys.argv[1:] if argv is None else argv)
    return run(_PROGRAM, lambda: _renew(options, words))


def card_text(result: str, fairface: str | None = None, targets: str | None = None) -> str:
    """Return the Markdown of all tables.

    Args:
        result: path of an accuracy result with exact ages.
        fairface: path of one with bins of ages.
        targets: path of a file of targets; see targets.py.

    Raises:
        ResultFileError: a file that cannot be read or lacks what the tables state.
    """
    results = {"result": read_result(result)}
    shown = [_NOTE, "### Exact ages\n", age_sections(results["result"], result)]
    if fairface is not None:
        results["fairface"] = read_result(fairface)
        shown += ["### Bins of ages\n", bin_sections(results["fairface"], fairface)]
    if targets is not None:
        judged = judge(read_targets(targets), results)
        shown += ["### Targets\n", target_section(judged)]
    return "\n".join(shown)


def with_tables(text: str, tables: str, where: str) -> str:
    """Return a card's text with other tables between its comments.

    Args:
        text: the card.
        tables: from card_text.
        where: the card's name, for the message.

    Raises:
        ResultFileError: the two comments do not stand in it once each, in order.
    """
    return with_marked(text, _MARKS, tables, where=where, what="the tables")


def _renew(options: argparse.Namespace, words: Sequence[str]) -> int:
    card = Path(options.into)
    try:
        text = card.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultFileError(f"cannot read the card {card}: {error.strerror}") from error
    renewed = with_tables(
        text, card_text(options.result, options.fairface, options.targets), str(card)
    )
    if renewed == text:
        return 0
    if options.check:
        again = " ".join(word for word in words if word != "--check")
        raise QualityGateError(
            f"the tables in {card} differ from their result files; renew them with: "
            f"python -m {_PROGRAM} {again}"
        )
    write_text(card, renewed)
    print(f"renewed {card}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
