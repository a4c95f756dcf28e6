"""What the clean-up of a label map removes and fills."""

import math
from dataclasses import asdict, dataclass
from typing import Literal

from sneakynet.errors import SettingError

Keep = Literal["off", "largest", "near"]


@dataclass(frozen=True)
class CleanupSettings:
    """What to remove from the labels and what to fill. By default nothing.

    Voxels of a bone that touch at a face, an edge or a corner are one component. Its size counts the cavities that it
    closes in, whether they are filled or not.
    """

    keep: Keep = "off"
    """Which components of a bone stay: all (off), the largest alone, or the largest and those that may well be parts of
    the same bone (near): large enough, and either near it or cut off by the same face of the scan."""
    near_mm: float = 20.0
    """With near: most mm from the largest, or from another part that stays, between the centres of the nearest voxels.
    With much more, a name stays on the next bone but one: vertebrae and ribs follow each other at 20 to 35 mm."""
    near_share: float = 0.05
    """With near: least size, as share of the largest's. Specks of a neighbour's name are mostly smaller."""
    same_face: bool = True
    """With near: what reaches the same face of the scan as a part that stays may meet it beyond, and stays at any
    distance; no-same-face goes by distance alone."""
    smallest_mm3: float = 50.0
    """With largest and near: remove what is smaller, be it all there is of a bone; but keep a bone's largest component
    where it reaches a face of the scan. The phantoms' smallest bones, tips of little fingers, have 100 to 200 mm3."""
    fill_voids: bool = False
    """Make the cavities of each bone bone, but for voxels of other bones."""
    largest_void_mm3: float = 2000.0
    """With fill-voids: leave larger cavities as they are: where labels are coarse, a skull closes in its sinuses, or
    even all of its inside, which is no bone."""

    @property
    def active(self) -> bool:
        """Whether there is anything to do."""
        return self.keep != "off" or self.fill_voids


def check_cleanup_settings(settings: CleanupSettings) -> None:
    """Refuse values that mean nothing.

    Raises:
        SettingError: every fault at once, each with the setting's name as the command line has it.
    """
    faults = [
        f"{name.replace('_', '-')} must be finite and not negative, got {value:g}"
        for name, value in asdict(settings).items()
        if name.endswith(("_mm", "_mm3")) and not (math.isfinite(value) and value >= 0)
    ]
    if not 0 <= settings.near_share <= 1:
        faults.append(f"near-share must be between 0 and 1, got {settings.near_share:g}")
    if faults:
        msg = f"clean-up: {'; '.join(faults)}"
        raise SettingError(msg)
