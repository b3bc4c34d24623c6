"""The command line of `faceage-camera`."""

import argparse

from faceage_edge import __version__
from faceage_edge.more_options import add_sinks, add_threshold, add_upkeep
from faceage_edge.number_options import above_zero, at_least

__all__ = ["parser"]

_EPILOG = """\
Results go to stdout, one JSON object a line and a line a frame:
  frame       number of the frame in the source, from 0; a camera's dropped frames leave gaps
  time_s      its time in the source, seconds; pictures of a folder count as a second apart
  latency_ms  from the frame's arrival to this result
  degraded    true while an accelerator that was asked for does not work and the CPU takes its place
  restarts    how often the worker died or hung and was begun anew since the start
  faces       the surest first, each with
    track               number of the person while in view, from 1
    box                 [x, y, width, height] in pixels of the frame, as detected: a face at the
                        edge reaches beyond the frame
    score               the detector's, 0 to 1
    age                 years, the mean over the track's crops, better ones counting more
    age_low, age_high   the model's prediction interval for one crop, around that mean
    age_jitter          years by which the crops' ages differ (standard deviation), null for one
    gender, gender_share  with --gender: the likeliest, and how sure the model is of it, 0 to 1
    over, answer        with --threshold: the calibrated probability of being at least so old, and
                        pass or challenge
Everything else goes to stderr. Ctrl-C finishes the frame and the files; a second one ends at once.
No picture is written unless --annotate asks for it; --preview shows them and stores none.
Exit codes: 0 done or stopped, 1 an error that the message explains, 2 wrong usage.
"""


def parser(program: str) -> argparse.ArgumentParser:
    """Describe the command line.

    Args:
        program: the command's name.

    Returns:
        A parser whose namespace has `source`, `models`, `age`, `detector`, `annotate` (str or
        None), `min_face`, `rate` (float or None), `threads`, `max_frames`, `width`, `height`,
        `fps` (int or None), `decode`, `about`, `json`, `loop`, `every_frame`, `gender`,
        `no_supervisor`, `try_accelerator` (bool), `pass_every`, `age_every`, `patience`,
        `start_within`, `probe_every`, `health` (float or None) and `delegate` (list of str).
    """
    made = argparse.ArgumentParser(
        prog=program,
        description="Say how old each face before a camera is, as JSON lines on stdout.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # `--conf FILE` would be taken for --config here, and its file never be read.
        allow_abbrev=False,
    )
    _add_input_and_output(made)
    _add_models(made.add_argument_group("models"))
    _add_cost(made.add_argument_group("cost"))
    _add_supervision(made.add_argument_group("supervision"))
    _add_camera(
        made.add_argument_group(
            "requests to a camera, which may give something else, or what raw frames are"
        )
    )
    made.add_argument(
        "--about",
        action="store_true",
        help="say what the models are and on which terms, and stop; no camera is opened",
    )
    made.add_argument(
        "--json",
        action="store_true",
        help="with --about or --doctor: as one JSON object; ages are JSON lines anyway",
    )
    add_upkeep(made.add_argument_group("upkeep"))
    add_threshold(made.add_argument_group("threshold"))
    made.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return made


def _add_input_and_output(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--source",
        default="0",
        help="a camera's number or device; picamera2[:NUMBER[:lores]], a Pi's own camera; rtsp:// "
        "or http:// of a network camera; video, GIF, picture, folder of pictures (in the order of "
        "their names); or - for raw BGR frames on standard input (default: %(default)s)",
    )
    made.add_argument(
        "--rate",
        type=at_least(1, float),
        metavar="N",
        help="play a film as a camera would: N frames a second, over and over, those that come "
        "while one is in work dropped",
    )
    made.add_argument(
        "--annotate",
        metavar="OUT",
        help="write the frames with boxes and ages to OUT.mp4, or to OUT.png the one with the "
        "most faces (of equals the one with the largest)",
    )
    made.add_argument("--loop", action="store_true", help="begin a file again at its end, for ever")
    add_sinks(made.add_argument_group("where results go, beside stdout; all may be combined"))
    made.add_argument("--max-frames", type=at_least(1), metavar="N", help="stop after N frames")


def _add_models(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--models",
        metavar="FOLDER",
        help="a folder that faceage-convert wrote; what is not in it, and everything without "
        "it, are the int8 models that come with faceage",
    )
    group.add_argument(
        "--model",
        "--age",
        dest="age",
        metavar="NAME",
        help="age model, instead of the one in --models: a shipped model's name, or a file",
    )
    group.add_argument(
        "--detector",
        metavar="NAME",
        help="face detector, instead of the one in --models: a shipped detector's name, a folder, "
        "or the .tflite of a detector of yours that faceage-convert has given its contract",
    )
    group.add_argument(
        "--min-face",
        type=at_least(12, float),
        metavar="PIXELS",
        help="side of the smallest face looked for (default: a twelfth of the frame's shorter "
        "side, 40 at 640 x 480)",
    )
    group.add_argument(
        "--decode",
        choices=("sum", "count"),
        default="sum",
        help="age from a CORAL head: the sum of its probabilities, or as in the paper the count "
        "of those above one half (default: %(default)s)",
    )
    group.add_argument(
        "--gender",
        action="store_true",
        help="add to each face what a model with an output of gender says of it; the shipped "
        "models have none",
    )
    group.add_argument(
        "--threads",
        type=at_least(1),
        default=1,
        metavar="N",
        help="CPU threads for one model (default: %(default)s)",
    )


def _add_cost(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--every-frame",
        action="store_true",
        help="search every frame whole and read every face's age, at 10 to 40 times the cost",
    )
    group.add_argument(
        "--pass-every",
        type=at_least(1),
        default=30,
        metavar="N",
        help="search the whole frame every N frames at least while faces are followed "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--age-every",
        type=above_zero,
        default=0.08,
        metavar="SECONDS",
        help="read a person's crop this often while it still changes their age, then ever less "
        "(default: %(default)s)",
    )


def _add_supervision(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--no-supervisor",
        action="store_true",
        help="do the work in this process, for debugging: nothing restarts it",
    )
    group.add_argument(
        "--patience",
        type=above_zero,
        default=5.0,
        metavar="SECONDS",
        help="how long a camera may deliver nothing, or the same picture, and a model may work on "
        "one frame, before all is begun anew (default: %(default)s)",
    )
    group.add_argument(
        "--start-within",
        type=above_zero,
        default=45.0,
        metavar="SECONDS",
        help="how long loading libraries and models may take; with more, for a slow machine, "
        "opening a camera or an accelerator may take longer in proportion (default: %(default)s)",
    )
    group.add_argument(
        "--delegate",
        action="append",
        default=[],
        metavar="LIBRARY[,OPTION=VALUE]",
        help="run the models on an accelerator, e.g. libedgetpu.so.1,device=usb:0; twice: the age "
        "model on the first, the detector on the second",
    )
    group.add_argument(
        "--probe-every",
        type=above_zero,
        default=60.0,
        metavar="SECONDS",
        help="try a failed accelerator again after this long, then ever less often "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--health",
        type=above_zero,
        metavar="SECONDS",
        help="say this often on stderr how board and worker fare",
    )
    group.add_argument("--try-accelerator", action="store_true", help=argparse.SUPPRESS)


def _add_camera(group: argparse._ArgumentGroup) -> None:
    for name, unit in (("width", "PIXELS"), ("height", "PIXELS"), ("fps", "N")):
        group.add_argument(f"--{name}", type=at_least(1), metavar=unit)
