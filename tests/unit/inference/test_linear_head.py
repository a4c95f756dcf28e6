import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sneakynet.inference.linear_head import LinearHead


def test_scores_are_those_of_the_parts_side_by_side():
    head = LinearHead(torch.tensor([[1.0, 2.0, 3.0], [0.0, -1.0, 4.0]]), torch.tensor([0.5, 0.0]))

    scores = head([torch.tensor([[1.0]]), torch.tensor([[10.0, 100.0]])])

    assert scores.tolist() == [[321.5, 390.0]]


def test_a_block_is_settled_where_background_leads_whatever_its_voxels_hold():
    head = LinearHead(torch.tensor([[1.0], [0.0]]), torch.tensor([0.0, 1.0]))  # background wins above 1
    features = torch.full((8, 4, 6, 1), 2.0)
    features[5, 3, 5] = 0.5

    settled = head.background_for_certain([features])

    assert settled[:4].all()
    assert settled[4:, :, :4].all()
    assert not settled[4:, :, 4:].any()  # the far block is smaller


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 11)] * 3), st.integers(0, 10_000), st.floats(0, 3))
def test_what_is_settled_is_background(shape, seed, lead):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(*shape, 5, generator=generator).cumsum(0) / 4
    weight, bias = torch.randn(7, 5, generator=generator), torch.randn(7, generator=generator)
    bias[0] += lead
    head = LinearHead(weight, bias)

    settled = head.background_for_certain([features[..., :2], features[..., 2:]])

    winners = head([features.flatten(0, 2)]).argmax(dim=1).reshape(shape)
    assert settled.shape == winners.shape
    assert (winners[settled] == 0).all()
