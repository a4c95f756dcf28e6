import pytest
import torch

from sneakynet.data.softening import softened

SHARP = (1.0, 1.0, 1.0)


def test_nothing_to_do_gives_the_image_itself():
    image = torch.randn(4, 5, 6)
    assert softened(image, blur=0.2, coarse=(1.0, 1.1, 1.0)) is image


def test_blur_spreads_a_point_as_a_gaussian_does():
    image = torch.zeros(15, 15, 15)
    image[7, 7, 7] = 1

    soft = softened(image, blur=1.0, coarse=SHARP)

    assert soft.sum() == pytest.approx(1)
    for axis in range(3):
        profile = soft.sum([other for other in range(3) if other != axis])
        variance = (profile * (torch.arange(15) - 7) ** 2).sum()
        assert variance == pytest.approx(1.0, abs=0.05)


def test_beyond_the_image_its_edge_goes_on():
    soft = softened(torch.full((6, 6, 6), 0.7), blur=1.0, coarse=(1.0, 3.0, 1.0))
    torch.testing.assert_close(soft, torch.full((6, 6, 6), 0.7))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_thick_slices_blur_across_one_axis_alone(axis):
    image = torch.zeros(12, 12, 12)
    image[6:, :, :] = 1
    image = image.movedim(0, axis)
    thick = [1.0, 1.0, 1.0]
    thick[axis] = 4.0

    across = softened(image, blur=0.0, coarse=thick)
    thick[axis], thick[axis - 1] = 1.0, 4.0
    along = softened(image, blur=0.0, coarse=thick)

    torch.testing.assert_close(along, image)
    # Three slices, the middle one half in and half out.
    assert across.movedim(axis, 0)[6, 0, 0] == pytest.approx(0.5, abs=0.2)
    assert (across.movedim(axis, 0).diff(dim=0) >= 0).all()
