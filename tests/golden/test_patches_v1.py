"""The patches of a seed stay what they were when this was written, to the bit: a run can be repeated years later."""

import hashlib

import numpy as np
import torch

from sneakynet.data.case import Case, class_centres
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.pyramid import build_pyramid
from sneakynet.data.sampling import Augmentation, draw_batch, make_batch

DIGEST = "8ac8c5b4a61ecd731ce1630767011c44f8b97901f8497f1dc5afb2dc7bca948e"


def test_patches_of_a_seed():
    grid = np.arange(60 * 40 * 50).reshape(60, 40, 50)
    scan, labels = (grid * 7919 % 2300 - 700).astype(np.int16), (grid // 977 % 9).astype(np.uint8)
    pyramid = build_pyramid(torch.from_numpy(scan), torch.from_numpy(labels), levels=(1, 2, 3), n_classes=9)
    case = Case("a", scan.shape, pyramid, class_centres(labels, per_class=40, rng=np.random.default_rng(0)))
    geometry = PatchGeometry(patch_size=32, contexts=(1, 2, 3))
    lut = np.array([0, 2, 1, 4, 3, 6, 5, 8, 7])
    # Noise, deformation and what softens come from torch and SciPy, whose versions may differ.
    augmentation = Augmentation(warp=0.0, noise=0.0, gamma=0.0, blur=0.0, coarse=0.0)
    found = hashlib.sha256()
    for step in range(12):
        draws = draw_batch([case], geometry, key=(5, step), batch_size=2, balanced=0.5, augmentation=augmentation)
        batch = make_batch(
            [case], draws, geometry, hu_window=(-500.0, 1300.0), mirror_lut=lut, ignore_padding=step % 2 == 1
        )
        for part in (*batch.images, *batch.labels):
            found.update(part.numpy().tobytes())
    assert found.hexdigest() == DIGEST
