"""Make a phantom: ``python -m inference.make_phantom SPACING FIELD SEED FOLDER``.

In a process of its own, so that what it needs is gone from memory when something is measured.
"""

import sys
from pathlib import Path

import numpy as np

from inference.scans import phantom_file
from sneakynet.phantom.phantom import make_phantom
from sneakynet.volumes.atomic import write_whole


def make(folder: Path, *, spacing: float, field: str, seed: int) -> None:
    """Make a phantom and keep its scan, int16 HU."""
    with write_whole(phantom_file(folder, spacing=spacing, field=field, seed=seed)) as part, part.open("wb") as file:
        np.save(file, make_phantom(seed, spacing=spacing, field=field).scan.voxels)


if __name__ == "__main__":
    make(Path(sys.argv[4]), spacing=float(sys.argv[1]), field=sys.argv[2], seed=int(sys.argv[3]))
