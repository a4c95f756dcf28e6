import pytest
import torch
from torch.nn.functional import interpolate

from sneakynet.models.crop_skip import centre_crop
from sneakynet.models.late_fusion import upsampled_centre


@pytest.mark.parametrize(("kappa", "edge"), [(1, 4), (1, 8), (2, 8), (3, 16)])
def test_it_equals_interpolating_the_whole_map(kappa, edge):
    features = torch.randn(2, 3, edge, edge, edge, dtype=torch.float64)
    whole = interpolate(features, scale_factor=2**kappa, mode="trilinear", align_corners=False)
    expected = centre_crop(whole, kappa=kappa)
    torch.testing.assert_close(upsampled_centre(features, kappa=kappa), expected, rtol=1e-12, atol=1e-12)


def test_two_voxels_by_hand():
    # Context cells are 2 wide, centred at -3, -1, 1, 3; target voxels are 1 wide, centred at -1.5, -0.5, 0.5, 1.5.
    features = torch.tensor([-30.0, -10, 10, 30]).reshape(1, 1, 4, 1, 1).expand(1, 1, 4, 4, 4)
    assert upsampled_centre(features, kappa=1)[0, 0, :, 0, 0].tolist() == [-15, -5, 5, 15]


def test_the_type_is_kept():
    with torch.autocast("cpu", torch.bfloat16):
        assert upsampled_centre(torch.zeros(1, 1, 4, 4, 4, dtype=torch.bfloat16), kappa=1).dtype == torch.bfloat16
