"""The stub accelerator of delegate.c: how it can be made to fail, and what is then said of it."""

from pathlib import Path

__all__ = ["SOURCE", "WAYS"]

SOURCE = Path(__file__).with_name("delegate.c")
# Its option `how`, words on stderr under the supervisor, and what that plays.
WAYS = [
    ("refuse", "refuses", "no device there"),
    ("abort", "killed by SIGABRT", "as libedgetpu does"),
    ("prepare", "cannot prepare this model", "another accelerator's model"),
    ("garbage", "the accelerator computes wrongly", "a device gone mad"),
    ("hang", "silent", "while it is opened"),
    ("invoke-hang", "silent", "in its first run"),
]
