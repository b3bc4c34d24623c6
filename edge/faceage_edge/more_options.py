"""Options of `faceage-camera`: where results go, what is asked about an age, upkeep."""

import argparse

__all__ = ["add_sinks", "add_threshold", "add_upkeep"]


def add_sinks(group: argparse._ArgumentGroup) -> None:
    """Add an option for every sink; each is None or False where it was not given."""
    group.add_argument("--csv", metavar="FILE", help="a line for each face of each frame; appended")
    group.add_argument(
        "--events",
        metavar="FILE",
        help="a JSON line when someone enters or leaves, with dwell time and age; appended",
    )
    group.add_argument(
        "--mqtt",
        metavar="URL",
        help="publish to a broker, mqtt[s]://user:password@host/prefix; Home Assistant finds the "
        "sensors by itself (the password may stand in $FACEAGE_MQTT_PASSWORD)",
    )
    group.add_argument(
        "--metrics", metavar="[HOST:]PORT", help="serve /metrics for Prometheus, and /healthz"
    )
    group.add_argument(
        "--preview",
        metavar="[HOST:]PORT",
        help="show live annotated frames to a browser; without HOST to this machine alone",
    )
    group.add_argument(
        "--preview-token",
        metavar="TOKEN",
        help="what a browser must name, as ?token=, needed for other machines to look "
        "(or $FACEAGE_PREVIEW_TOKEN)",
    )
    group.add_argument(
        "--window",
        action="store_true",
        help="show a window; q or Escape ends (needs opencv-python)",
    )


def add_threshold(group: argparse._ArgumentGroup) -> None:
    """Add the question of a kiosk."""
    group.add_argument(
        "--threshold",
        type=int,
        metavar="AGE",
        help="add to each face `over`, the calibrated probability of being at least AGE, and "
        "`answer`",
    )
    group.add_argument(
        "--challenge",
        type=int,
        metavar="AGE",
        help="answer `pass` from an estimated age of AGE on, else `challenge`: ask for a document "
        "(default: the threshold)",
    )


def add_upkeep(group: argparse._ArgumentGroup) -> None:
    """Add what keeps a device going."""
    group.add_argument(
        "--config",
        metavar="FILE",
        help="TOML with any of these options, such as source = 0; options given here win",
    )
    group.add_argument(
        "--doctor",
        action="store_true",
        help="look at camera, software, models, power and Coral, say what to do, and stop; exit 1 "
        "if something is broken",
    )
    group.add_argument(
        "--install-model",
        metavar="FILE",
        help="test a model and put it in the place of the one in --models, and stop",
    )
