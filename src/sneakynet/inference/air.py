"""Tiles that hold nothing but air need not be run.

The guarantee: for every voxel of the scan that is denser than the threshold, each tile that has a say in its label is
run. So leaving tiles out changes no label of such a voxel. It is tested on the scan's own voxels, before anything is
averaged to the network's coarser grid, where a thin bone in air would fade.
"""

import numpy as np
from jaxtyping import Bool

from sneakynet.inference.axis_samples import AxisSamples
from sneakynet.inference.tiles import TilePlan
from sneakynet.types import ScanArray

AIR_BELOW = -300.0
"""HU. The poorest trabecular bone (30 HU) that fills two thirds of a voxel in air is denser already."""


def tiles_of_air(
    plan: TilePlan,
    scan: ScanArray,
    samples: tuple[AxisSamples, AxisSamples, AxisSamples],
    *,
    below: float = AIR_BELOW,
) -> list[tuple[int, int, int]]:
    """The tiles of a plan that no voxel denser than a threshold reads.

    Args:
        plan: on the network's grid.
        scan: Hounsfield units, on its own grid, axes in RAS+ order.
        samples: the scan's voxels along each axis of the network's grid.
        below: the threshold, HU. Tables and clothes are denser: their tiles are run, since no cheap test tells them
            from a hand.

    Returns:
        Origins of the tiles that may be skipped.
    """
    readers = [
        [axis.readers(range(origin, origin + plan.patch_size)) for origin in origins]
        for axis, origins in zip(samples, plan.origins, strict=True)
    ]
    # Where along an axis the voxels begin or end to read some tile: between two such places all read the same tiles.
    edges = [
        np.unique([0, *(end for span in along for end in (span.start, span.stop) if end < length)])
        for along, length in zip(readers, scan.shape, strict=True)
    ]
    dense = _blocks_above(scan, edges, below)
    boxes = [
        [slice(*np.searchsorted(edge, (span.start, span.stop))) for span in along]
        for edge, along in zip(edges, readers, strict=True)
    ]
    return [
        (i, j, k)
        for i, across in zip(plan.origins[0], boxes[0], strict=True)
        for j, down in zip(plan.origins[1], boxes[1], strict=True)
        for k, along in zip(plan.origins[2], boxes[2], strict=True)
        if not dense[across, down, along].any()
    ]


def _blocks_above(scan: ScanArray, edges: list[np.ndarray], threshold: float) -> Bool[np.ndarray, "_ _ _"]:
    """Whether any voxel of each block is above a threshold; blocks begin at ``edges`` along each axis."""
    slow = int(np.argmax(np.abs(scan.strides)))
    found = []
    for first, last in zip(edges[slow], [*edges[slow][1:], scan.shape[slow]], strict=True):
        block = scan[(slice(None),) * slow + (slice(first, last),)].max(axis=slow, keepdims=True)
        for axis in {0, 1, 2} - {slow}:
            block = np.maximum.reduceat(block, edges[axis], axis=axis)
        found.append(block > threshold)
    return np.concatenate(found, axis=slow)
