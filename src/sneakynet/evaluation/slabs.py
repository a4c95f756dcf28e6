"""Going through a volume a few planes at a time: NumPy turns label indices into 64-bit ones, 8 times the memory."""

from collections.abc import Iterator

import numpy as np

from sneakynet.types import LabelArray

# Voxels taken together: their 64-bit indices take 32 MB.
_BLOCK = 1 << 22


def slabs(labels: LabelArray) -> Iterator[tuple[slice, slice, slice]]:
    """Index of each slab; together they cover the volume once.

    Args:
        labels: the volume to walk through, along the axis whose planes lie together in memory.

    Yields:
        Slices for i, j and k.
    """
    slow = int(np.argmax(np.abs(labels.strides)))
    planes = max(1, _BLOCK * labels.shape[slow] // labels.size)
    for first in range(0, labels.shape[slow], planes):
        i, j, k = (slice(first, first + planes) if axis == slow else slice(None) for axis in range(3))
        yield i, j, k
