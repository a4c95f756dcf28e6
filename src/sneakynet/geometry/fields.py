"""Concentric fields of view: where the context patches lie around a target patch.

All coordinates are full-resolution voxels of the network grid. A context of scale ``2**kappa`` reads a cube with the
target's centre whose edge is ``2**kappa`` times the target's, average-pooled by ``2**kappa`` to the same patch size.
"""

from collections.abc import Sequence

from sneakynet.errors import SettingError


def context_origin(origin: tuple[int, int, int], *, patch_size: int, kappa: int) -> tuple[int, int, int]:
    """First voxel of the context's field of view around a target patch.

    Args:
        origin: first voxel of the target patch.
        patch_size: edge of the target patch in voxels; even.
        kappa: the context's scale is ``2**kappa``; 0 gives the target itself.

    Returns:
        ``origin - patch_size * (2**kappa - 1) / 2``; may be negative, where the context reaches beyond the scan.

    Raises:
        SettingError: an odd patch size, whose context would lie half a voxel off centre, or a negative kappa.
    """
    _check_kappa(kappa)
    if patch_size < 1 or (patch_size % 2 and kappa):
        msg = f"patch size {patch_size} has no concentric context on whole voxels; give an even one"
        raise SettingError(msg)
    reach = patch_size * (2**kappa - 1) // 2
    i, j, k = origin
    return i - reach, j - reach, k - reach


def padding(patch_size: int, contexts: Sequence[int]) -> int:
    """Voxels to add on each side of a scan so that every field of view centred inside it can be read.

    Args:
        patch_size: edge of the target patch in voxels.
        contexts: the kappas; a context's scale is ``2**kappa``. May be empty.

    Returns:
        Half of the largest field of view, rounded up.

    Raises:
        SettingError: a negative kappa.
    """
    for kappa in contexts:
        _check_kappa(kappa)
    largest = patch_size << max(contexts, default=0)
    return (largest + 1) // 2


def _check_kappa(kappa: int) -> None:
    if kappa < 0:
        msg = f"a context's scale is 2**kappa with kappa 0 or more, got kappa {kappa}"
        raise SettingError(msg)
