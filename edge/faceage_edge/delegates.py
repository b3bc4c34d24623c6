"""Accelerators: LiteRT delegates named on the command line, opened and tried before they are used.

A delegate is a shared library that takes over part of a graph, such as Coral's libedgetpu.so.1.
Each way it can fail has its own message; what it computes is held against the contract's golden
outputs before a face depends on it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from faceage_edge.errors import DelegateError, UsageError

__all__ = ["DelegateSpec", "check_accelerated", "open_delegate", "parse_delegate"]

# Kernels that round elsewhere differ by a quantum or two a layer, 4 at the end on average is far
# beyond that; outputs that are noise differ by 80, the mean distance of random bytes.
_MOST_QUANTA = 4.0
# The same for float outputs, as a share of the recorded values' own spread.
_MOST_SHARE = 0.1


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
    from faceage_edge.interpreter import runtime

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


def check_accelerated(model: Any, spec: DelegateSpec) -> float:
    """Hold what a model computes with its delegate against its contract's golden outputs.

    Args:
        model: a `model.Model`, loaded with the delegate.
        spec: the delegate, for messages.

    Returns:
        The largest mean difference of an output, in quanta for integer outputs.

    Raises:
        DelegateError: they differ by more than other kernels' rounding explains.
    """
    # The supervisor reads delegates' names too, and needs no numpy for it.
    import numpy as np

    from faceage_edge.golden import record_golden

    golden = model.contract.golden.get("xnnpack")
    if golden is None:
        raise DelegateError(
            f"{model.path} carries no golden outputs, so what {spec.library} computes cannot be "
            "checked; convert the model again",
            curable=False,
        )
    try:
        found = record_golden(model)
    except (RuntimeError, ValueError) as error:
        raise DelegateError(f"{model.path} fails on {spec} ({_line(error)})") from error
    worst = 0.0
    for output in model.contract.outputs:
        expected = np.array(golden[output.name], dtype=np.float64)
        apart = float(np.abs(np.array(found[output.name]) - expected).mean())
        limit = _MOST_QUANTA if output.dtype != "float32" else _MOST_SHARE * expected.std()
        # Not `apart > limit`: outputs that are not numbers must not pass.
        if not apart <= limit:
            raise DelegateError(
                f"{model.path}: with {spec} the output {output.name} differs from the CPU's by "
                f"{apart:.3g} on average, allowed are {limit:.3g}; the accelerator computes "
                "wrongly: unplug it, cool it, or do without --delegate"
            )
        worst = max(worst, apart)
    return worst


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
