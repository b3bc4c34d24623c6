"""A single-shot network with anchors: a whole frame in, boxes and perhaps landmarks out.

The one decoder of our finder and of all the families that `anchors` can describe. Only anchors
whose score passes are decoded: of the finder's 3,300 that is a dozen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceage_edge.anchors import AnchorGrid, Anchors
from faceage_edge.candidates import Floats, Frame
from faceage_edge.contract import Output
from faceage_edge.errors import ContractError
from faceage_edge.letterbox import Letterbox
from faceage_edge.model import Model
from faceage_edge.nms import suppress
from faceage_edge.proposals import Proposals

__all__ = ["AnchorShot"]

# More are noise; the strongest are kept so that one frame cannot stall the loop.
_MOST_CANDIDATES = 256
# e**10 times an anchor's side is beyond any frame.
_MOST_GROWTH = 10.0
_BOX = 4
_POINTS = {"five": 5, "six": 6}
_Raw = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class _Part:
    """Anchors whose numbers stand in the same outputs: centres and sides, float64 (n, 2)."""

    grid: AnchorGrid
    centres: Floats
    sides: Floats


class AnchorShot:
    """A loaded network of the stage `anchors` or `single-shot`. Not safe to call from two threads
    at once."""

    def __init__(self, model: Model, stage: str = "anchors") -> None:
        """Wrap a loaded model.

        Args:
            model: loaded.
            stage: `anchors` or `single-shot`, whichever is wanted.

        Raises:
            ContractError: the model is of another stage, or its anchors are not as many as its
                outputs have numbers for.
        """
        own = model.contract.detector
        if own is None or own.stage != stage or own.anchors is None:
            found = own.stage if own else model.contract.task
            raise ContractError(f"{model.path} is a {found} model, expected {stage}")
        self._model, self._nms, self._anchors = model, own.nms, own.anchors
        self._threshold = own.logit_threshold
        self._least = float(1 / (1 + np.exp(-own.logit_threshold)))
        self._outputs = {output.name: output for output in model.contract.outputs}
        self._parts = [_part(grids, own.anchors) for grids in _runs(own.anchors.grids)]
        for part in self._parts:
            self._check(part)
        self._input = Letterbox(model.contract.input.width, model.contract.input.height)

    @property
    def has_landmarks(self) -> bool:
        """Whether the network says where eyes, nose and mouth are."""
        return self._anchors.points != "none"

    def propose(self, frame: Frame) -> Proposals:
        """Find faces.

        Args:
            frame: uint8 (height, width, 3), BGR, any size.

        Returns:
            The surest first, overlapping ones suppressed.
        """
        picture, (across, down) = self._input.fill(frame)
        found = self._decoded(self._model.run_raw(picture))
        if len(found.scores) > _MOST_CANDIDATES:
            found = found.pick(np.argsort(-found.scores, kind="stable")[:_MOST_CANDIDATES])
        return found.pick(suppress(found.boxes, found.scores, self._nms)).scaled(
            1 / across, 1 / down
        )

    def _decoded(self, raw: _Raw) -> Proposals:
        surest = [self._sure(raw, part) for part in self._parts]
        scores, centres, sides, values, moves = (
            np.concatenate(column) for column in zip(*surest, strict=True)
        )
        boxes = _boxes(values, centres, sides, self._anchors)
        points = None
        if self.has_landmarks:
            steps = self._anchors.centre_step * sides[:, None]
            points = centres[:, None] + moves.reshape(len(moves), moves.shape[1] // 2, 2) * steps
        # A network may give nonsense for what is no face: a box without a side, numbers without
        # end.
        whole = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        found = Proposals(boxes, scores, points)
        return found if whole.all() else found.pick(np.flatnonzero(whole))

    def _sure(self, raw: _Raw, part: _Part) -> tuple[Floats, ...]:
        """Of the anchors that pass: scores, centres, sides, and the numbers of boxes and points."""
        passed, scores = self._passed(raw, part)
        values = self._rows(raw, part, part.grid.boxes, passed)
        moves = values[:, _BOX:]
        if part.grid.points and part.grid.points != part.grid.boxes:
            moves = self._rows(raw, part, part.grid.points, passed)
        return scores, part.centres[passed], part.sides[passed], values[:, :_BOX], moves

    def _passed(self, raw: _Raw, part: _Part) -> tuple[npt.NDArray[np.intp], Floats]:
        """The anchors that are surer of a face than the threshold, and how sure they are."""
        names = part.grid.scores
        first = self._outputs[names[0]]
        if len(names) == 1 and first.head == "face-logit":
            # In the file's own numbers: most anchors see no face, and need no exponential.
            own = self._columns(raw, part, names[0])
            least = self._threshold / first.scale + first.zero_point
            passed = np.flatnonzero(np.greater(own, least))
            return passed, _probability(_real(own[passed], first))
        product = np.ones(1)
        for name in names:
            output = self._outputs[name]
            values = _real(self._columns(raw, part, name), output)
            product = product * (_probability(values) if output.head == "face-logit" else values)
        scores = product if len(names) == 1 else np.sqrt(product.clip(0))
        passed = np.flatnonzero(scores > self._least)
        return passed, scores[passed]

    def _columns(self, raw: _Raw, part: _Part, name: str) -> npt.NDArray[np.generic]:
        """Of each anchor's scores that of "face", in the file's own numbers."""
        return raw[name].reshape(len(part.centres), -1)[:, self._anchors.score_index]

    def _rows(self, raw: _Raw, part: _Part, name: str, passed: npt.NDArray[np.intp]) -> Floats:
        return _real(raw[name].reshape(len(part.centres), -1)[passed], self._outputs[name])

    def _check(self, part: _Part) -> None:
        """Hold the anchors to the sizes of the outputs."""
        count = len(part.centres)
        grid, own = part.grid, _POINTS.get(self._anchors.points, 0) * 2
        together = grid.points == grid.boxes
        wanted = [(grid.boxes, "box-offsets", _BOX + own * together)]
        if grid.points and not together:
            wanted.append((grid.points, "landmarks", own))
        least = self._anchors.score_index + 1
        wanted += [(name, "face-logit or face-score", least) for name in grid.scores]
        for name, head, width in wanted:
            output = self._outputs.get(name)
            fits = output is not None and output.head in head and _fits(output, head, count, width)
            if not fits:
                found = "none" if output is None else f"{output.head} of {output.size} numbers"
                raise ContractError(
                    f"{self._model.path}: {count} anchors need an output {name!r} ({head}) of "
                    f"{count} x {width} numbers, found {found}; the grids or names of the contract "
                    "are another network's"
                )


def _fits(output: Output, head: str, count: int, width: int) -> bool:
    # Scores may have more columns than the one of "face".
    each = output.size / count
    return each == width or (head.startswith("face") and each > width and each.is_integer())


def _real(values: npt.NDArray[np.generic], output: Output) -> Floats:
    return (values.astype(np.float64) - output.zero_point) * output.scale


def _probability(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits.clip(-60, 60))))


def _runs(grids: Sequence[AnchorGrid]) -> list[list[AnchorGrid]]:
    """Grids that name the same outputs, together and in their order."""
    runs: dict[tuple[tuple[str, ...], str, str], list[AnchorGrid]] = {}
    for grid in grids:
        runs.setdefault((grid.scores, grid.boxes, grid.points), []).append(grid)
    return list(runs.values())


def _part(grids: Sequence[AnchorGrid], anchors: Anchors) -> _Part:
    centres, sides = [], []
    for grid in grids:
        own = np.array(grid.sides, np.float64)
        rows, columns = np.divmod(np.arange(grid.columns * grid.rows), grid.columns)
        middle = (np.stack([columns, rows], axis=1) + anchors.offset) * np.array(grid.stride)
        centres.append(np.repeat(middle, len(own), axis=0))
        sides.append(np.tile(own, (len(middle), 1)))
    return _Part(grids[0], np.concatenate(centres), np.concatenate(sides))


def _boxes(values: Floats, centres: Floats, sides: Floats, anchors: Anchors) -> Floats:
    """Boxes float64 (n, 4) as x1, y1, x2, y2 in input pixels."""
    if anchors.order == "yxhw":
        values = values[:, [1, 0, 3, 2]]
    middle = centres + values[:, :2] * anchors.centre_step * sides
    growth = values[:, 2:] * anchors.side_step
    if anchors.sides == "exponential":
        growth = np.exp(growth.clip(-_MOST_GROWTH, _MOST_GROWTH))
    half = sides * growth / 2
    return np.concatenate([middle - half, middle + half], axis=1)
