"""The figures of a bone that methods are compared by, and which way is better."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One column of ``per_class.csv``.

    Args:
        key: the column.
        label: what people call it.
        unit: of its values; ``share`` is 0 to 1.
        better: which values are good.
        digits: to show behind the decimal point.
    """

    key: str
    label: str
    unit: Literal["share", "mm"]
    better: Literal["higher", "lower"]
    digits: int = 3

    def gain(self, difference: float) -> float:
        """How much better the second of two values is, from second minus first."""
        return difference if self.better == "higher" else -difference


METRICS = (
    Metric("dsc", "DSC", "share", "higher"),
    Metric("iou", "IoU", "share", "higher"),
    Metric("nsd_1voxel", "NSD at 1 voxel", "share", "higher"),
    Metric("nsd_3mm", "NSD at 3 mm", "share", "higher"),
    Metric("hd95", "HD95", "mm", "lower", digits=2),
    Metric("msd", "mean surface distance", "mm", "lower", digits=2),
    Metric("identified", "identified", "share", "higher"),
    Metric("side_swap", "given to the other side", "share", "lower", digits=4),
    Metric("neighbour_shift", "given to a neighbour of the series", "share", "lower", digits=4),
    Metric("far", "given to a far bone", "share", "lower", digits=4),
)
"""In the order of their importance; a file need not have them all."""

BY_KEY = {metric.key: metric for metric in METRICS}
