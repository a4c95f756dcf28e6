"""Everything that a scan's report shows, ready to be laid out on a page."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.labelled_scan import LabelledScan
from sneakynet.evaluation.measures.bone_measures import BoneMeasures, measure_bones
from sneakynet.evaluation.plausibility.inspection import inspect
from sneakynet.inference.optional_package import optional_package
from sneakynet.viewer.preview import color_table, on_picture_grid, project
from sneakynet.viewer.scan_report.joint_slices import JointSlice, joint_slices
from sneakynet.viewer.scan_report.joints import Joint, find_joints
from sneakynet.viewer.scan_report.notices import Notice, find_notices
from sneakynet.viewer.scan_report.pictures import Projection, SkeletonView
from sneakynet.volumes.volume import Volume

_AIR = -1024
_FOREMOST = 10  # notices that are shown first


@dataclass(frozen=True, eq=False)
class ReportContent:
    """A scan's report.

    Args:
        case: the scan's name.
        facts: what it is, in words: heading to text.
        notices: what should be looked at.
        projections: from the front and from the patient's left.
        views: the skeleton from four sides; none where there is no bone or nothing to draw with.
        joints: those that are in the scan, each with its slices.
        bones: all that were found, in figures.
        colors: ``#rrggbb`` by the bone's name.
        score: of the inspection, 0 to 1; None where nothing could be judged.
    """

    case: str
    facts: Mapping[str, str]
    notices: tuple[Notice, ...]
    projections: tuple[Projection, ...]
    views: tuple[SkeletonView, ...]
    joints: tuple[tuple[Joint, tuple[JointSlice, ...]], ...]
    bones: tuple[BoneMeasures, ...]
    colors: Mapping[str, str]
    score: float | None

    @property
    def foremost(self) -> tuple[Notice, ...]:
        """The most striking of what is implausible, and all of the rest."""
        return tuple(w for n, w in enumerate(self.notices) if n < _FOREMOST or w.kind != "look")

    @property
    def further(self) -> tuple[Notice, ...]:
        """What is implausible, but less so."""
        return tuple(w for w in self.notices[_FOREMOST:] if w.kind == "look")


def check_report_packages() -> None:
    """Refuse to begin where a package is missing.

    Raises:
        SettingError: it is not installed; the message has the command that installs it.
    """
    for package in ("vtkmodules", "manifold3d"):
        optional_package(package, extra="mesh")


def found_by(model: str, names: str | None) -> dict[str, str]:
    """What a report says of the network that found the labels: heading to text.

    Args:
        model: its name; empty where it has none.
        names: what was renamed or is doubtful, if anything.
    """
    return {"Model": model or "without a name"} | ({"Names": names} if names else {})


def report_content(one: LabelledScan, *, table: BoneTable, facts: Mapping[str, str] | None = None) -> ReportContent:
    """Measure, judge and draw a scan.

    Args:
        one: labels, and the scan if there is one.
        table: the bones behind the labels.
        facts: what else is known, heading to text.

    Raises:
        SettingError: a package is missing.
        BoneTableError: a label is not in the table.
    """
    check_report_packages()
    bones = measure_bones(one.labels, one.scan, table=table, confidence=one.confidence)
    inspection = inspect(one.labels, one.scan, table=table, case=one.case)
    colors = {bone.id: bone.color for bone in table}
    lut = color_table(colors, highest=table.n_classes)
    joints = find_joints(one.labels, table=table)
    projections, meshed = _drawn(one, table, colors)
    return ReportContent(
        one.case,
        facts={**_facts(one, bones), **(facts or {})},
        notices=find_notices(inspection, bones),
        projections=projections,
        views=meshed,
        joints=tuple((joint, joint_slices(joint, one.labels, one.scan, lut=lut)) for joint in joints),
        bones=bones,
        colors={bone.name: bone.color for bone in table},
        score=inspection.score,
    )


def _facts(one: LabelledScan, bones: tuple[BoneMeasures, ...]) -> dict[str, str]:
    spacing = " x ".join(f"{step:.3g}" for step in one.labels.spacing)
    shape = " x ".join(map(str, one.labels.shape))
    extent = " x ".join(f"{n * s / 10:.1f}" for n, s in zip(one.labels.shape, one.labels.spacing, strict=True))
    whole = sum(not bone.touches_edge for bone in bones)
    return {
        "Bones": f"{len(bones)} found, {whole} of them whole in the scan",
        "Voxels": f"{shape}, of {spacing} mm",
        "Extent": f"{extent} cm (right to left, back to front, foot to head)",
    }


def _drawn(
    one: LabelledScan, table: BoneTable, colors: Mapping[int, str]
) -> tuple[tuple[Projection, ...], tuple[SkeletonView, ...]]:
    """Projections and surfaces of the same coarser grid: fine enough for a picture of a whole body."""
    # VTK comes with an extra.
    from sneakynet.export.meshes.bone_meshes import MeshSettings, bone_meshes
    from sneakynet.viewer.scan_report.skeleton_views import skeleton_views

    scan = one.scan or Volume(np.broadcast_to(np.int16(_AIR), one.labels.shape), one.labels.affine)
    pixel, ids, hu = on_picture_grid(one.labels, scan)
    projections = (
        Projection("front", project(ids, hu, colors=colors, view="coronal")[::-1], ("R", "L"), pixel),
        Projection("left", project(ids, hu, colors=colors, view="sagittal")[::-1], ("A", "P"), pixel),
    )
    del hu
    # The picture's grid has the patient's axes; where it lies does not show. Labels that are coarser do without it.
    coarse = one.labels.voxels.size <= ids.size
    labels = one.labels if coarse else Volume(ids, np.diag([pixel, pixel, pixel, 1.0]))
    meshes = bone_meshes(labels, table=table, settings=MeshSettings(smooth=1.0, error=min(labels.spacing) / 4))
    return projections, skeleton_views(meshes)
