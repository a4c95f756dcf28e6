"""Where the voxels of a bone went that were not found."""

import numpy as np
from jaxtyping import Float64

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.contingency import Contingency


def swapped_share(counts: Contingency, table: BoneTable) -> Float64[np.ndarray, " n_classes"]:
    """Share of each bone's reference voxels that the prediction gives to its mirror partner.

    Args:
        counts: of one case, or summed over cases.
        table: says which bones are partners.

    Returns:
        0 to 1 by label; NaN for bones without a partner, and for those that the reference lacks.
    """
    partner, own = table.mirror_lut(), np.arange(table.n_classes)
    share = np.full(table.n_classes, np.nan)
    reference = counts.sum(axis=1)
    known = (partner != own) & (reference > 0)
    share[known] = counts[own, partner][known] / reference[known]
    return share
