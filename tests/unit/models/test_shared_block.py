import torch

from sneakynet.geometry.context_block import Place
from sneakynet.models.shared_block import cut_places

PLACES = [Place(0, (0, 2, 4)), Place(1, (4, 4, 4)), Place(1, (2, 4, 0))]


def test_slices_side_by_side():
    features = torch.randn(2, 3, 8, 8, 8)
    found = cut_places(features, PLACES, level=1, edges=(2, 3, 4))
    assert torch.equal(found[0], features[0, :, 0:2, 1:4, 2:6])
    assert torch.equal(found[2], features[1, :, 1:3, 2:5, 0:4])
    around = cut_places(features, [Place(1, (4, 4, 4))], level=1, edges=(2, 2, 2), margin=1)
    assert torch.equal(around[0], features[1, :, 1:5, 1:5, 1:5])


def test_the_gradient_adds_up_where_slices_overlap():
    features = torch.randn(2, 3, 8, 8, 8, dtype=torch.float64, requires_grad=True)
    cut = cut_places(features, PLACES, level=0, edges=(4, 4, 4))
    weights = torch.randn_like(cut)
    plain = torch.stack([features[block, :, i : i + 4, j : j + 4, k : k + 4] for block, (i, j, k) in PLACES])
    found, expected = (torch.autograd.grad((each * weights).sum(), features)[0] for each in (cut, plain))
    torch.testing.assert_close(found, expected)
