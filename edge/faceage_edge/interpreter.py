"""Open checked model bytes with the installed LiteRT."""

from typing import Any

from faceage_edge.delegates import DelegateSpec, open_delegate
from faceage_edge.errors import DelegateError, MissingExtraError, ModelFileError
from faceage_edge.runtime import runtime, runtime_name

__all__ = ["open_interpreter"]


def open_interpreter(
    data: bytes,
    where: str,
    *,
    threads: int = 1,
    xnnpack: bool = True,
    preserve_all: bool = False,
    delegate: DelegateSpec | None = None,
) -> Any:
    """Open a model with LiteRT or tflite-runtime, whichever is installed.

    Args:
        data: the whole .tflite file, already checked by `embedded.read_contract`.
        where: the file's name, for messages.
        threads: CPU threads for one invoke.
        xnnpack: use the XNNPACK delegate; False runs the built-in kernels.
        preserve_all: keep every intermediate tensor readable after an invoke.
        delegate: an accelerator that is offered the graph first.

    Returns:
        An interpreter with its tensors allocated.

    Raises:
        MissingExtraError: no runtime is installed, or one that does not fit the numpy beside it.
        ModelFileError: the runtime refuses the model.
        DelegateError: the accelerator is missing, refuses, or cannot prepare the model.
    """
    own = runtime()
    kinds = own.OpResolverType
    delegates = None if delegate is None else [open_delegate(delegate)]
    resolver = kinds.AUTO if xnnpack else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        interpreter = own.Interpreter(
            model_content=data,
            num_threads=threads,
            experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=preserve_all,
            experimental_delegates=delegates,
        )
        interpreter.allocate_tensors()
    except SystemError as error:
        # tflite-runtime 2.14 is compiled against numpy 1 and finds out only here.
        import numpy

        raise MissingExtraError(
            f"{runtime_name()} does not work with numpy {numpy.__version__}; "
            'install one that it knows: pip install "numpy<2"'
        ) from error
    except (ValueError, RuntimeError) as error:
        if delegate is not None:
            raise DelegateError(
                f"{where}: the delegate {delegate} cannot prepare this model "
                f"({' '.join(str(error).split())}); is it compiled for this accelerator?"
            ) from error
        raise ModelFileError(
            f"{where}: {runtime_name()} cannot run this model ({str(error).strip()}); "
            "convert it with faceage-convert"
        ) from error
    return interpreter
