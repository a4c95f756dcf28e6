"""The models that come with the package."""

from importlib.resources import files
from pathlib import Path

from sneakynet.errors import WeightsError

_FILES = {"default": "sneakynet_3mm.safetensors", "fine": "sneakynet_2mm.safetensors"}


def packaged_weights(name: str = "default") -> Path:
    """The weights file of a model that comes with the package.

    Args:
        name: ``default`` (3 mm), or ``fine`` (2 mm), better at hands and thin bones in three times as long.

    Returns:
        Its path within the installed package.

    Raises:
        WeightsError: this copy of the package has none.
        KeyError: there is no such model.
    """
    path = Path(str(files("sneakynet.models"))) / "packaged_weights" / _FILES[name]
    if not path.is_file():
        msg = f"this copy of sneakynet has no {name} weights ({path}); install it again, or name a weights file"
        raise WeightsError(msg)
    return path


def model_path(model: str | Path | None) -> Path:
    """Where a model lies that was asked for by name or by path.

    Args:
        model: ``default`` or ``fine``; None is ``default``; anything else is a path. A file of such a name must be
            given with its folder.

    Raises:
        WeightsError: this copy of the package has no such weights, or no model bears the name.
    """
    name = "default" if model is None else str(model)
    if name in _FILES:
        return packaged_weights(name)
    path = Path(name)
    if not path.suffix and path.name == name and not path.exists():  # more like a slip in a name than a path
        msg = f"there is no model {name}: {' and '.join(_FILES)} come with sneakynet, anything else is a path"
        raise WeightsError(msg)
    return path
