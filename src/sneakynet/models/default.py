"""The weights that come with the package."""

from importlib.resources import files
from pathlib import Path

from sneakynet.errors import WeightsError

_FILE = "sneakynet_3mm.safetensors"


def default_weights() -> Path:
    """The weights file that is used where no other is named.

    Returns:
        Its path within the installed package.

    Raises:
        WeightsError: this copy of the package has none.
    """
    path = Path(str(files("sneakynet.models"))) / "default_weights" / _FILE
    if not path.is_file():
        msg = f"this copy of sneakynet has no default weights ({path}); install it again, or name a weights file"
        raise WeightsError(msg)
    return path
