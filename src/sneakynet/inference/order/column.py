"""The spinal column of a label map, straightened: what each piece of its length is called, and where its discs are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64, Integer
from scipy.ndimage import distance_transform_edt, find_objects, gaussian_filter1d
from scipy.spatial import KDTree

STATION_MM = 3.0
"""Length of a station: a piece of the column between two planes across it."""

_TUBE_MM = 9.0
"""Radius around the line of what tells bodies from discs: all body where there is one, and next to nothing of the arch
behind it."""

_NEAR_MM = 22.0
"""Radius around the line of what a station is named by: the bodies, not the spinous processes, which reach down beside
the next vertebra or the next but one."""

_SMOOTH_MM = 12.0
"""The line follows curves of the column and not those of single bodies."""

_FINE_MM = 1.0


@dataclass(frozen=True, eq=False)
class Column:
    """A straightened column; station 0 is its upper end.

    Args:
        named: voxels (weighted by their volume in mm3) near the line that bear each name; the last is the sacrum.
        fill: share of the tube around the line that is vertebra.
        line: points on the line, mm along the grid's axes, from the top, a mm from each other.
    """

    named: Float64[np.ndarray, "station state"]
    fill: Float64[np.ndarray, " station"]
    line: Float64[np.ndarray, "point 3"]
    _tree: KDTree

    def locate(
        self, points: Float[np.ndarray, "point 3"]
    ) -> tuple[Int64[np.ndarray, " point"], Float64[np.ndarray, " point"], Float64[np.ndarray, " point"]]:
        """Where points lie.

        Args:
            points: mm along the grid's axes.

        Returns:
            Their stations, their distances from the line in mm, and how far to the right of it they are in mm.
        """
        found = self._tree.query(points)
        distance, nearest = np.asarray(found[0]), np.asarray(found[1])
        station: np.ndarray = np.minimum((nearest * _FINE_MM / STATION_MM).astype(np.int64), len(self.fill) - 1)
        return station, distance, points[:, 0] - self.line[nearest, 0]


def straighten(
    labels: Integer[np.ndarray, "i j k"], spacing: tuple[float, float, float], states: Int64[np.ndarray, " state"]
) -> Column | None:
    """Straighten the column of a label map.

    Args:
        labels: axes in RAS+ order.
        spacing: mm.
        states: labels of the vertebrae from the top, and last that of the sacrum.

    Returns:
        The column; None where there are no vertebrae to speak of.
    """
    vertebrae = np.isin(labels, states[:-1])
    if np.count_nonzero(vertebrae) < 20:
        return None
    line = _line(vertebrae, np.isin(labels, states), spacing)
    tree = KDTree(line)
    stations = max(1, int(np.ceil(len(line) * _FINE_MM / STATION_MM)))
    index = np.argwhere(np.isin(labels, states))
    state = np.full(int(labels.max()) + 1, -1)
    known = states <= labels.max()
    state[states[known]] = np.flatnonzero(known)
    which = state[labels[tuple(index.T)]]
    named = np.zeros((stations, len(states)))
    fill = np.zeros(stations)
    # A voxel lies in several stations, the more the longer it is along the column.
    parts = int(np.ceil(spacing[2] / _FINE_MM))
    volume = float(np.prod(spacing)) / parts
    for part in range(parts):
        across = np.array([0.0, 0.0, (part + 0.5) / parts - 0.5])
        points = (index + across) * spacing
        distance, nearest = tree.query(points)
        at = np.minimum((nearest * _FINE_MM / STATION_MM).astype(np.int64), stations - 1)
        near = distance <= _NEAR_MM
        np.add.at(named, (at[near], which[near]), volume)
        inside = (distance <= _TUBE_MM) & (which < len(states) - 1)
        fill += np.bincount(at[inside], minlength=stations) * volume
    fill /= np.pi * _TUBE_MM**2 * STATION_MM
    return Column(named, fill, line, tree)


def _line(
    vertebrae: np.ndarray, column: np.ndarray, spacing: tuple[float, float, float]
) -> Float64[np.ndarray, "point 3"]:
    """Through the bodies, which are the thick of every vertebra, down to the end of the sacrum."""
    (box,) = find_objects(vertebrae.astype(np.uint8))
    depth = distance_transform_edt(np.pad(vertebrae[box[:2]], 1), sampling=spacing)[1:-1, 1:-1, 1:-1] ** 3
    weight = depth.sum((0, 1))
    i, j = (
        (depth.sum(1 - axis) * np.arange(box[axis].start, box[axis].stop)[:, None]).sum(0) * spacing[axis]
        for axis in (0, 1)
    )
    sigma = _SMOOTH_MM / spacing[2]
    smooth = [gaussian_filter1d(values, sigma, mode="constant") for values in (i, j, weight)]
    planes = np.flatnonzero(column.any((0, 1)))
    k = np.arange(planes[0], planes[-1] + 1)
    there = k[smooth[2][k] > 1e-6 * smooth[2].max()]
    points = np.stack(
        [
            *(np.interp(k, there, values[there] / smooth[2][there]) for values in smooth[:2]),
            k * spacing[2],
        ],
        axis=1,
    )[::-1]
    # A plane's voxels reach half a plane beyond its middle.
    ends = [points[0] + [0, 0, spacing[2] / 2], points[-1] - [0, 0, spacing[2] / 2]]
    points = np.concatenate([ends[:1], points, ends[1:]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    fine = np.arange(0.0, along[-1] + 1e-9, _FINE_MM)
    return np.stack([np.interp(fine, along, points[:, axis]) for axis in range(3)], axis=1)
