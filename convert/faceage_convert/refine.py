"""What refining an int8 file needs beyond ranges, learnt from calibration faces when asked for."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from faceage_calibration.inputs import model_inputs
from faceage_calibration.ranges import Ranges
from faceage_convert.clipped_ranges import clip_ranges
from faceage_convert.conversion import equalised
from faceage_convert.embed import without_contract
from faceage_convert.fitted_rounding import fit_rounding
from faceage_convert.layer_moments import record_moments
from faceage_convert.quantize import quantize_model
from faceage_convert.recipes import Recipe
from faceage_models.float_source import FloatSource

__all__ = ["Refiner"]


class Refiner:
    """Gives the ranges that a recipe needs, and fits what it fits once."""

    def __init__(self, source: FloatSource, ranges: Ranges, crops: npt.NDArray[np.uint8]) -> None:
        """Prepare.

        Args:
            source: the float model with its contract embedded.
            ranges: recorded on it.
            crops: the calibration faces in its size, uint8 (n, height, width, 3), BGR.
        """
        self._source, self._ranges, self._crops = source, ranges, crops
        self._fitted: dict[tuple[str, ...], Ranges] = {(): ranges}

    def ranges_for(self, recipe: Recipe) -> Ranges:
        """The ranges, with the rounding where the recipe asks for it."""
        if recipe.refine not in self._fitted:
            self._fitted[recipe.refine] = self._fit(recipe)
        return self._fitted[recipe.refine]

    def _fit(self, recipe: Recipe) -> Ranges:
        named = replace(self._ranges, refine=recipe.refine)
        where, contract = str(self._source.path), self._source.contract
        graph, _ = equalised(without_contract(self._source.data), named, where, recipe)
        if "clip" in recipe.refine:
            cut = clip_ranges(graph, named.tensors, self._inputs(), where)
            named = replace(named, tensors=cut)
        if "round" in recipe.refine:
            nearest = quantize_model(graph, named.tensors, contract, where)
            moments = record_moments(graph, self._inputs(), where)
            named = replace(named, rounding=fit_rounding(graph, nearest, moments, where))
        return named

    def _inputs(self) -> Iterator[npt.NDArray[np.float32]]:
        return model_inputs(self._source.contract.input, self._crops)
