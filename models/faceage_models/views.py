"""One picture for a model of several: the views that it wants are cut from the crop in the graph.

C3AE looks at three cuts of one face. On the device there is one crop, so the cuts, which lie at the
same place in every crop, become part of the model.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceage_edge.errors import ContractError, ModelFileError

__all__ = ["View", "one_picture", "read_document", "stated_views"]


@dataclass(frozen=True)
class View:
    """Part of the crop that an input of the model sees.

    Attributes:
        name: of the model's input.
        box: left, top, right, bottom in shares of the crop's sides.
    """

    name: str
    box: tuple[float, float, float, float]


def read_document(path: Path) -> Any:
    """Read a file of `--contract`: TOML where it is called so, else JSON.

    Raises:
        ValueError: it is neither.
        OSError: it cannot be read.
    """
    import json

    data = path.read_bytes()
    return tomllib.loads(data.decode()) if path.suffix == ".toml" else json.loads(data)


def stated_views(path: Path | None) -> tuple[View, ...]:
    """The views of a contract file's `input.views`; none where it has none or cannot be read.

    What is wrong with the file otherwise is said where the rest of it is read.

    Raises:
        ContractError: a view without a name, or a box that is no part of the crop.
    """
    try:
        document = read_document(path) if path is not None else {}
        stated = document.get("input", {}).get("views", [])
    except (OSError, ValueError, AttributeError, RecursionError):
        return ()
    return tuple(_view(item, f"{path}, input.views[{i}]") for i, item in enumerate(stated))


def _view(item: Any, where: str) -> View:
    try:
        left, top, right, bottom = (float(part) for part in item["box"])
        name = str(item["name"])
    except (TypeError, KeyError, ValueError) as error:
        raise ContractError(
            f"{where}: expected the name of an input and its box, four shares of the crop: "
            'name = "input_2", box = [0.1, 0.1, 0.9, 0.9]'
        ) from error
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ContractError(
            f"{where}: the box {item['box']} is no part of the crop; expected left, top, right, "
            "bottom from 0 to 1"
        )
    return View(name, (left, top, right, bottom))


def one_picture(keras: Any, model: Any, views: tuple[View, ...], where: str) -> Any:
    """Wrap a model of several pictures so that it takes one.

    Args:
        keras: the model's framework.
        model: with inputs of one shape (n, height, width, 3).
        views: one for each of its inputs.
        where: the model's name, for messages.

    Returns:
        A model whose outputs are a dict by the names that the model gives them.

    Raises:
        ModelFileError: the views are not those of its inputs.
    """
    inputs = {tensor.name.split(":")[0]: tensor for tensor in model.inputs}
    by_name = {view.name: view for view in views}
    if set(inputs) != set(by_name):
        raise ModelFileError(
            f"{where} takes the pictures {sorted(inputs)}; the contract states views of "
            f"{sorted(by_name) or 'none'}: state input.views with a name and a box for each"
        )
    shapes = {tuple(tensor.shape[1:]) for tensor in inputs.values()}
    if len(shapes) != 1 or None in next(iter(shapes)):
        raise ModelFileError(f"{where} takes pictures of the sizes {sorted(shapes)}, expected one")
    (shape,) = shapes
    picture = keras.Input(shape, name="picture")
    outputs = model([_cut(keras, picture, by_name[name]) for name in inputs])
    values = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    names = [str(name).split("/")[0] for name in model.output_names]
    return keras.Model(picture, dict(zip(names, values, strict=True)), name=model.name)


def _cut(keras: Any, picture: Any, view: View) -> Any:
    height, width = picture.shape[1:3]
    left, top, right, bottom = view.box
    rows = (round(top * height), height - round(bottom * height))
    columns = (round(left * width), width - round(right * width))
    if not any((*rows, *columns)):
        return picture
    cut = keras.layers.Cropping2D((rows, columns), name=f"cut_{view.name}")(picture)
    return keras.layers.Resizing(height, width, name=f"resize_{view.name}")(cut)
