"""Label maps without the voxels that count nowhere."""

from sneakynet.anatomy.ignored import ignored
from sneakynet.evaluation.slabs import slabs
from sneakynet.volumes.volume import Volume


def known_labels(labels: Volume, *, n_classes: int) -> Volume:
    """The labels with background in place of what counts nowhere (``anatomy.ignored``).

    Args:
        labels: class ids.
        n_classes: of the bone table; one that has a bone for the highest label has no such voxels.

    Returns:
        The same volume where there is nothing to replace.
    """
    highest = ignored(labels.voxels.dtype)
    if highest < n_classes or not any((labels.voxels[slab] == highest).any() for slab in slabs(labels.voxels)):
        return labels
    voxels = labels.voxels.copy(order="K")
    for slab in slabs(voxels):
        voxels[slab][voxels[slab] == highest] = 0
    return Volume(voxels, labels.affine)
