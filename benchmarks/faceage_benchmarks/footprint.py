"""How much disk an installation takes: a fresh environment per set of extras, measured.

    python -m faceage_benchmarks.footprint --project . --json OUT [--extras "" convert]

Sizes are those of the installed packages (the environment's site-packages without pip), in bytes
as `st_size` states them, so that they do not depend on the file system.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faceage_benchmarks.machine import describe_machine
from faceage_benchmarks.result import bootstrap_settings, new_result, write_result
from faceage_edge.command import run
from faceage_edge.errors import FaceageError

__all__ = ["footprint_figures", "installed_sizes", "main"]

_PROGRAM = "faceage_benchmarks.footprint"
_WORTH_NAMING = 1_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Measure installed sizes.")
    parser.add_argument("--project", default=".", help="checkout or wheel to install")
    parser.add_argument("--constraints", help="a pip constraints file")
    parser.add_argument("--extras", nargs="*", default=["", "convert"], help="sets of extras")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    options = parser.parse_args(argv)
    command = ["python", "-m", _PROGRAM, *(sys.argv[1:] if argv is None else argv)]
    return run(_PROGRAM, lambda: _measure(options, command))


def footprint_figures(samples: Mapping[str, Any], _bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Sum the sizes up.

    Args:
        samples: `bytes`: {set of extras: {top-level entry of site-packages: bytes}}.
        _bootstrap: as the result file states it; unused.

    Returns:
        `sets`: {set: {total_bytes, packages}}, packages of more than a megabyte by name.
    """
    return {
        "sets": {
            name: {
                "total_bytes": sum(sizes.values()),
                "packages": {key: size for key, size in sizes.items() if size > _WORTH_NAMING},
            }
            for name, sizes in samples["bytes"].items()
        }
    }


def _measure(options: argparse.Namespace, command: Sequence[str]) -> int:
    sets = {
        extras or "plain": installed_sizes(options.project, extras, options.constraints)
        for extras in options.extras
    }
    machine = describe_machine()
    samples = {"bytes": sets}
    settings = bootstrap_settings("nothing: sizes repeat")
    result = new_result(
        "footprint",
        command=command,
        machine=machine,
        constraints=options.constraints,
        **footprint_figures(samples, settings),
        seeds={},
        bootstrap=settings,
        samples=samples,
    )
    write_result(options.json, result)
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
