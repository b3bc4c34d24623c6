"""A shipped age model's int8 file by recorded minima and maxima alone: what our own is compared to.

    python -m faceage_convert.plain_int8 --model age-tiny --out age-tiny.plain.int8.tflite

The shipped file has the mean error of rounded weights taken out of its biases; this one has not.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from faceage_calibration.ranges import read_ranges
from faceage_convert.conversion import finish, to_quantized
from faceage_edge.atomic import write_bytes
from faceage_edge.command import run
from faceage_models.float_source import shipped_float

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="faceage_convert.plain_int8", description=__doc__)
    parser.add_argument("--model", required=True, metavar="NAME", help="of a shipped age model")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")
    options = parser.parse_args(argv)
    return run("faceage_convert.plain_int8", lambda: _write(options.model, options.out))


def _write(name: str, out: Path) -> int:
    source = shipped_float(name)
    ranges = read_ranges(source.path.with_name(f"{source.contract.name}.ranges.json"))
    made = finish(to_quantized(source, replace(ranges, means={})))
    write_bytes(out, made.data)
    print(f"{out}: {made.contract.scheme}, {len(made.data):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
