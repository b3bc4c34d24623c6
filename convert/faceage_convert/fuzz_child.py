"""The child process of `faceage_convert.fuzz --engine atheris`: libFuzzer on one target."""

import sys

__all__: list[str] = []


def _main() -> None:
    import atheris

    # Only what is imported inside is measured, so our own code alone guides the inputs.
    with atheris.instrument_imports(include=["faceage_edge", "faceage_calibration"]):
        from faceage_convert.fuzz_targets import TARGETS
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    _main()
