"""How much disk an installation takes: a fresh environment per set of extras, measured.

    python -m faceage_benchmarks.footprint --project . --json OUT [--extras "" convert]

Sizes are those of the installed packages (the environment's site-packages without pip), in bytes
as `st_size` states them, so that they do not depend on the file system.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.errors import FaceageError

__all__ = ["installed_sizes", "main"]

_WORTH_NAMING = 1_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(
        prog="faceage_benchmarks.footprint", description="Measure installed sizes."
    )
    parser.add_argument("--project", default=".", help="checkout or wheel to install")
    parser.add_argument("--constraints", help="a pip constraints file")
    parser.add_argument("--extras", nargs="*", default=["", "convert"], help="sets of extras")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    options = parser.parse_args(argv)
    return run("faceage_benchmarks.footprint", lambda: _measure(options))


def _measure(options: argparse.Namespace) -> int:
    sets = {
        extras or "plain": installed_sizes(options.project, extras, options.constraints)
        for extras in options.extras
    }
    document = {
        "schema": "faceage-footprint/1",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "constraints": options.constraints,
        "sets": {
            name: {
                "total_bytes": sum(sizes.values()),
                "packages": {key: size for key, size in sizes.items() if size > _WORTH_NAMING},
            }
            for name, sizes in sets.items()
        },
    }
    write_text(options.json, json.dumps(document, indent=1) + "\n")
    for name, sizes in sets.items():
        print(f"{name}: {sum(sizes.values()) / 1e6:,.0f} MB")
    return 0


def installed_sizes(project: str, extras: str, constraints: str | None) -> dict[str, int]:
    """Install into a fresh environment and add up its packages.

    Args:
        project: path of a checkout or wheel.
        extras: names of extras, comma separated; empty for the plain install.
        constraints: a pip constraints file, or None.

    Returns:
        Bytes by top-level entry of site-packages, in order of their names.

    Raises:
        FaceageError: pip failed; its last lines are in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        target = f"{project}[{extras}]" if extras else project
        command = [f"{folder}/bin/python", "-m", "pip", "install", "-q", target]
        command += ["-c", constraints] if constraints else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise FaceageError(f"pip could not install {target}: {done.stderr[-800:]}")
        packages = next(Path(folder).glob("lib/python*/site-packages"))
        return {
            entry.name: sum(file.stat().st_size for file in _files(entry))
            for entry in sorted(packages.iterdir())
            if entry.name.split("-")[0] not in {"pip", "setuptools"}
        }


def _files(entry: Path) -> list[Path]:
    return [file for file in entry.rglob("*") if file.is_file()] if entry.is_dir() else [entry]


if __name__ == "__main__":
    sys.exit(main())
