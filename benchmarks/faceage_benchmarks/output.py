"""Where a measurement's result goes: the file, and a table for the reader."""

import sys
from collections.abc import Mapping
from typing import Any

from faceage_benchmarks.result import check_result, dumps, write_result
from faceage_benchmarks.tables import table_of

__all__ = ["deliver"]


def deliver(result: Mapping[str, Any], destination: str | None) -> None:
    """Write a result and print its table.

    Args:
        result: to be written.
        destination: a path; "-" puts the JSON on stdout and the table on stderr; None writes
            no file. Only the result itself goes to stdout.

    Raises:
        OutputError: the file cannot be written.
        ResultFileError: the result does not fit the format.
    """
    table = table_of([(str(result["kind"]), result)])
    if destination == "-":
        check_result(dict(result), "the result")
        sys.stdout.write(dumps(result))
        sys.stderr.write(table)
        return
    if destination is not None:
        write_result(destination, result)
    sys.stdout.write(table)
