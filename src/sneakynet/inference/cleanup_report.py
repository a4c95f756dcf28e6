"""What a clean-up has done, as it stands in a case's record."""

from dataclasses import asdict, dataclass

from sneakynet.counted import counted
from sneakynet.inference.cleanup_settings import CleanupSettings

LISTED = 10
"""Most removed components of one bone that are listed one by one; the totals count all."""


@dataclass(frozen=True)
class RemovedComponent:
    """A component that became background.

    Args:
        voxels: how many.
        volume_ml: their volume in millilitres.
        centroid_mm: mean of their centres, world mm, RAS+.
    """

    voxels: int
    volume_ml: float
    centroid_mm: tuple[float, float, float]


@dataclass(frozen=True)
class BoneCleanup:
    """What was changed about one bone.

    Args:
        id: its label.
        name: its name in the bone table.
        components: how many it had.
        components_removed: how many of them became background.
        voxels_removed: how many voxels they had.
        removed_ml: their volume in millilitres.
        void_voxels_filled: how many voxels of background became bone.
        voids_ml: their volume in millilitres.
        removed: the largest of those removed, the largest first.
    """

    id: int
    name: str
    components: int
    components_removed: int
    voxels_removed: int
    removed_ml: float
    void_voxels_filled: int
    voids_ml: float
    removed: tuple[RemovedComponent, ...]

    @property
    def gone(self) -> bool:
        """Whether nothing is left of the bone."""
        return self.components_removed == self.components


@dataclass(frozen=True)
class CleanupReport:
    """What a clean-up has done.

    Args:
        settings: it was asked for.
        bones: how many bones the labels held before.
        components: how many components these had.
        changed: the bones that were changed, in the order of their ids.
        voxel_ml: volume of a voxel in millilitres.
    """

    settings: CleanupSettings
    bones: int
    components: int
    changed: tuple[BoneCleanup, ...]
    voxel_ml: float

    @property
    def components_removed(self) -> int:
        """Of all bones."""
        return sum(bone.components_removed for bone in self.changed)

    @property
    def voxels_removed(self) -> int:
        """Of all bones."""
        return sum(bone.voxels_removed for bone in self.changed)

    @property
    def void_voxels_filled(self) -> int:
        """Of all bones."""
        return sum(bone.void_voxels_filled for bone in self.changed)

    @property
    def bones_removed(self) -> tuple[str, ...]:
        """Names of the bones of which nothing is left."""
        return tuple(bone.name for bone in self.changed if bone.gone)

    @property
    def summary(self) -> str:
        """One line for people."""
        removed, filled = self.voxels_removed * self.voxel_ml, self.void_voxels_filled * self.voxel_ml
        said = []
        if self.components_removed:
            bones, components = counted(self.bones, "bone"), counted(self.components, "component")
            whole = f", {len(self.bones_removed)} of {bones} with them" if self.bones_removed else ""
            said.append(f"removed {self.components_removed} of {components} ({removed:.2f} ml){whole}")
        if self.void_voxels_filled:
            said.append(f"filled {filled:.2f} ml of cavities")
        return "; ".join(said) or "nothing to remove or to fill"

    def to_dict(self) -> dict[str, object]:
        """All of it as plain JSON values."""
        return {
            "summary": self.summary,
            "settings": asdict(self.settings),
            "bones": self.bones,
            "bones_removed": list(self.bones_removed),
            "components": self.components,
            "components_removed": self.components_removed,
            "voxels_removed": self.voxels_removed,
            "removed_ml": round(self.voxels_removed * self.voxel_ml, 4),
            "void_voxels_filled": self.void_voxels_filled,
            "voids_ml": round(self.void_voxels_filled * self.voxel_ml, 4),
            "changed": [asdict(bone) for bone in self.changed],
        }
