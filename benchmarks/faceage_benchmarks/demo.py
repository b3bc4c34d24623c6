"""The main job, end to end: `python -m faceage_benchmarks.demo --out DIR`.

Makes a clip, converts the shipped models with `faceage-convert`, runs `faceage-camera` on the
clip, times both age models with `faceage-benchmark`, and prints the table float against int8.
The commands are run as a user would type them.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from faceage_benchmarks.clip_ages import Side, clip_figures, measure_clip
from faceage_benchmarks.commands import run_shown
from faceage_benchmarks.demo_clip import make_clip
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.opened import Pictures
from faceage_benchmarks.result import bootstrap_settings, new_result, read_result, write_result
from faceage_benchmarks.tables import markdown
from faceage_edge import atomic
from faceage_edge.age import AgeModel, load_age_model
from faceage_edge.bundles import DEFAULT_AGE, find
from faceage_edge.command import run
from faceage_edge.detector import DEFAULT_DETECTOR, Detector, load_detector
from faceage_edge.errors import OutputError
from faceage_edge.frames import CameraRequest
from faceage_edge.sources import open_source
from faceage_models.float_source import SHIPPED_AGE

__all__ = ["main"]

_PROGRAM = "python -m faceage_benchmarks.demo"
_LINES_SHOWN = 3
_ABOUT_TIMES = (
    "Times are those of this machine, a quick look: the ratio is another one on every processor.\n"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration.

    Args:
        argv: its arguments; those of the process when left out.

    Returns:
        The exit code: 0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(
        prog=_PROGRAM, description="Convert the shipped models and run them on a clip."
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for all results")
    options = parser.parse_args(argv)
    command = [*_PROGRAM.split(), "--out", options.out]
    return run(_PROGRAM, lambda: _demonstrate(Path(options.out), command))


def _demonstrate(out: Path, command: Sequence[str]) -> int:
    machine = describe_machine()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {out}: {error.strerror}") from error
    clip, bundle = out / "astronaut.mp4", out / "bundle"
    make_clip(clip)
    _say(f"Made {clip}, in which an astronaut moves before the camera.")
    started = time.monotonic()
    run_shown("faceage-convert", "--quantize", "int8", "--out", str(bundle))
    seconds = time.monotonic() - started
    lines = _watch(clip, bundle, out)
    latency = _time_both(bundle, out)
    compared = _compare(clip, bundle)
    note_after(machine)
    result = new_result(
        "demo",
        command=command,
        machine=machine,
        **compared,
        convert_seconds=round(seconds, 2),
        camera=lines,
        latency={key: latency[key] for key in ("p50_ms", "ratio", "ratio_ci95", "ratio_is")},
    )
    write_result(out / "demo.json", result)
    _say(_table(result, latency))
    _say(_ABOUT_TIMES)
    _say(f"The annotated picture is {out / 'astronaut.png'}, all figures are in {out}/demo.json.")
    return 0


def _watch(clip: Path, bundle: Path, out: Path) -> list[dict[str, Any]]:
    """Run the camera loop on the clip; return its first lines."""
    annotated = str(out / "astronaut.png")
    text = run_shown(
        "faceage-camera",
        *("--models", str(bundle), "--source", str(clip), "--annotate", annotated),
    )
    atomic.write_text(out / "astronaut.jsonl", text)
    lines = text.splitlines()
    _say("\n".join(lines[:_LINES_SHOWN]))
    _say(f"... {len(lines) - _LINES_SHOWN} lines more in {out / 'astronaut.jsonl'}")
    return [json.loads(line) for line in lines[:_LINES_SHOWN]]


def _time_both(bundle: Path, out: Path) -> dict[str, Any]:
    """Time the int8 age model against the float one; return the latency result."""
    target = out / "latency.json"
    run_shown(
        "faceage-benchmark",
        *("latency", "--quick", "--model", str(_int8_age(bundle)), "--against", SHIPPED_AGE),
        *("--json", str(target)),
    )
    return read_result(target)


def _compare(clip: Path, bundle: Path) -> dict[str, Any]:
    """Run both sides over the clip; return the demonstration's own keys of the result."""
    int8, float32 = load_age_model(_int8_age(bundle)), load_age_model(find(SHIPPED_AGE))
    samples = measure_clip(
        _frames(clip),
        _side(int8, load_detector(bundle)),
        _side(float32, load_detector(DEFAULT_DETECTOR, scheme="float32")),
        int8.template,
    )
    settings = bootstrap_settings("frames")
    return {
        **clip_figures(samples, settings),
        "bytes": {
            "age_int8": _int8_age(bundle).stat().st_size,
            "age_float32": find(SHIPPED_AGE).stat().st_size,
            "detector_int8": _size(bundle.glob(f"{DEFAULT_DETECTOR}-*.tflite")),
            "detector_float32": _size(find(DEFAULT_DETECTOR).glob("*.float32.tflite")),
        },
        "digests": {"age_int8": int8.digest, "age_float32": float32.digest},
        "seeds": {},
        "bootstrap": settings,
        "samples": samples,
    }


def _side(ages: AgeModel, detector: Detector) -> Side:
    return Side(partial(detector.detect, min_face=40.0), ages.estimate)


def _frames(clip: Path) -> Iterator[Pictures]:
    with open_source(str(clip), CameraRequest()) as source:
        for frame in source:
            yield frame.picture


def _int8_age(bundle: Path) -> Path:
    return find(str(bundle / f"{DEFAULT_AGE}.int8.tflite"))


def _size(files: Iterator[Path]) -> int:
    return sum(file.stat().st_size for file in files)


def _table(result: Mapping[str, Any], latency: Mapping[str, Any]) -> str:
    low, high = latency["ratio_ci95"]
    columns = []
    for side, figures in (("float32", latency["against_figures"]), ("int8", latency)):
        cells = {
            "age model": f"{result['bytes'][f'age_{side}'] / 1e6:.2f} MB",
            "face detector": f"{result['bytes'][f'detector_{side}'] / 1e6:.2f} MB",
            "frames with the face found": f"{result[f'faces_{side}']} of {result['frames']}",
            "age, mean over the clip": f"{result[f'mean_age_{side}']:.1f} years",
            "one age, p50": f"{figures['p50_ms']:.2f} ms",
        }
        columns.append((side, cells))
    columns[1][1]["same crop, other age"] = (
        f"{result['mean_abs_difference']:.2f} years on average, "
        f"{result['max_abs_difference']:.2f} at most"
    )
    columns[1][1]["time int8 / float32"] = f"{latency['ratio']:.2f} [{low:.2f}, {high:.2f}]"
    return "\n" + markdown(columns)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
