"""Bodies from real label maps: true shapes of bones and organs, with everything between them made up.

A label map is prepared once (what each label means, sides told apart, depth below each bone's surface at the map's own
resolution) and then gives any number of bodies, each of another size and bent another way.

A label map rarely says where *no* bone is. A voxel without label is background where a labelled structure is near
enough to have drawn the labeller's eye to it, and counts nowhere farther away.
"""

import logging
from collections.abc import Mapping

import edt
import numpy as np
from jaxtyping import Bool, Float

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.body import Body
from sneakynet.phantom.cortex import draw_cortex
from sneakynet.phantom.label_map_settings import LabelMapSettings, check_settings
from sneakynet.phantom.map_lookup import Pull, look_up
from sneakynet.phantom.prepared_map import Codes, LabelMap, prepare
from sneakynet.phantom.surroundings import NOTHING, surround
from sneakynet.volumes.volume import Volume

_LOG = logging.getLogger(__name__)


def body_from_labels(
    labels: Volume,
    *,
    names: Mapping[int, str],
    spacing: float,
    settings: LabelMapSettings,
    rng: np.random.Generator,
    table: BoneTable | None = None,
) -> Body:
    """One body with the bones and organs of a label map (see ``prepare`` and ``draw_body``, which it joins)."""
    source = prepare(labels, names=names, table=table)
    for note in source.notes:
        _LOG.warning(note)
    return draw_body(source, spacing=spacing, settings=settings, rng=rng)


def draw_body(source: LabelMap, *, spacing: float, settings: LabelMapSettings, rng: np.random.Generator) -> Body:
    """One body: the map turned, scaled and bent, and what it does not show made up.

    Args:
        source: from ``prepare``.
        spacing: mm per voxel, isotropic, 0.5 to 12.
        settings: how far bodies differ.
        rng: source of all randomness.

    Raises:
        SettingError: a value outside what is allowed.
    """
    check_settings(settings, spacing=spacing)
    codes = Codes(source.table)
    pull, facts = Pull.drawn(source, spacing=spacing, settings=settings, rng=rng)
    cortex = draw_cortex(rng, list(source.bones), factor=settings.cortex, spread=settings.cortex_spread)
    found = look_up(source, pull, cortex, codes)
    labels = codes.label_lut()[found.bone_code]
    given = codes.tissue_lut()[found.other_code]
    labelled = (found.bone > 0) | (given != NOTHING)
    near = _distance_to(labelled, spacing)
    labels[(found.other_code == codes.unnamed) & (found.bone_code == 0)] = codes.ignored
    labels[(near > settings.background_mm) & ~labelled] = codes.ignored
    tissues = surround(
        given,
        np.where(found.bone_code <= codes.bones, found.bone_code, 0),
        near=near,
        muscled=source.muscled,
        outline=(found.other_code == codes.outline) | labelled if source.outlined else None,
        grid=pull.grid,
        table=source.table,
        fat_mm=float(rng.uniform(*settings.fat_mm)),
        rng=rng,
    )
    return Body(
        labels=labels,
        tissues=tissues,
        bone=found.bone,
        cortex=found.cortex,
        metal=np.zeros(labels.shape, np.uint8),
        affine=pull.grid.affine,
        facts={"source": "label map", "bones": list(source.bones), **facts},
    )


def _distance_to(mask: Bool[np.ndarray, "i j k"], spacing: float) -> Float[np.ndarray, "i j k"]:
    """Mm to the nearest voxel of a mask; 0 inside."""
    distance: np.ndarray = edt.edt(~mask, anisotropy=(spacing,) * 3, black_border=False)
    finite: np.ndarray = np.minimum(distance, np.float32(1e6))  # infinite where the mask is empty
    return finite
