"""Accelerators: LiteRT delegates named on the command line, opened and tried before they are used.

A delegate is a shared library that takes over part of a graph, such as Coral's libedgetpu.so.1.
Each way it can fail has its own message; what it computes is held against the contract's golden
outputs before a face depends on it (`golden.check_accelerated`).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from faceage_edge.errors import DelegateError, UsageError
from faceage_edge.runtime import runtime

__all__ = ["DelegateSpec", "open_delegate", "parse_delegate"]


@dataclass(frozen=True)
class DelegateSpec:
    """A delegate's library, as the dynamic linker takes it, and its options in order."""

    library: str
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return ",".join([self.library, *(f"{key}={value}" for key, value in self.options)])


def parse_delegate(text: str) -> DelegateSpec:
    """Parse `library[,option=value]...`.

    Raises:
        UsageError: no library, or an option without a value.
    """
    library, *options = text.split(",")
    pairs = [option.partition("=") for option in options]
    if not library or any(not key or not equals for key, equals, _ in pairs):
        raise UsageError(
            f"--delegate {text}: expected a library and options, such as "
            "libedgetpu.so.1,device=usb:0"
        )
    return DelegateSpec(library, tuple((key, value) for key, _, value in pairs))


@lru_cache(maxsize=4)
def open_delegate(spec: DelegateSpec) -> Any:
    """Load a delegate's library; several models share it.

    Raises:
        DelegateError: the library is missing or no delegate, or it refuses.
    """
    try:
        return runtime().load_delegate(spec.library, dict(spec.options))
    except OSError as error:
        raise DelegateError(
            f"the delegate {spec.library} cannot be loaded ({error}); install it (Coral: "
            "libedgetpu1-std) or give its whole path",
            curable=False,
        ) from error
    except AttributeError as error:
        raise DelegateError(
            f"{spec.library} is no LiteRT delegate ({error}); Coral's is libedgetpu.so.1",
            curable=False,
        ) from error
    except ValueError as error:
        raise DelegateError(
            f"the delegate {spec} refuses ({_line(error)}); is the accelerator plugged in, "
            "yours to use (Coral: group plugdev and its udev rule) and named rightly?"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
