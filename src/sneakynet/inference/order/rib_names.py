"""New names for ribs, after the vertebrae that they meet."""

from collections.abc import Mapping, Sequence

from sneakynet.anatomy.spine import spine_levels
from sneakynet.geometry.components import Components
from sneakynet.inference.order.rib_heads import MetRib
from sneakynet.inference.order.sequence import bears
from sneakynet.inference.order.vertebra import Vertebra


def rename_ribs(
    components: Components,
    met: Sequence[MetRib],
    vertebrae: Sequence[Vertebra],
    *,
    ribs: Mapping[int, tuple[str, int]],
) -> dict[int, int]:
    """Name ribs after the vertebrae that they meet, where these were renamed.

    Pieces that do not reach the column keep their names here; `rib_stack` counts them.

    Args:
        components: of the label map.
        met: the ribs that meet the column.
        vertebrae: of the column, from the top.
        ribs: label -> side and index.

    Returns:
        Component -> its new label, where that differs.
    """
    label_of = {rib: label for label, rib in ribs.items()}
    new = {}
    for rib in met:
        index = _index(rib, vertebrae)
        if index is not None and index != rib.head.index:
            new[rib.component] = label_of[rib.side, index]
    return new


def _index(rib: MetRib, vertebrae: Sequence[Vertebra]) -> int | None:
    """What a rib is, by the vertebra that it meets; None where that is not sure or bears none."""
    for vertebra in vertebrae:
        if vertebra.start <= rib.head.station < vertebra.stop:
            if not vertebra.changed:
                return rib.head.index
            if not vertebra.sure or vertebra.state >= len(spine_levels()):
                return None
            borne = bears(vertebra.state, (rib.head.station - vertebra.start) / (vertebra.stop - vertebra.start))
            return min(borne, key=lambda index: abs(index - rib.head.index), default=None)
    return None
