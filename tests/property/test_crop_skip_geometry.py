"""Law: what a context sees at a place in the body arrives at that very place in the target decoder.

World unit: one target voxel; the target patch is centred on 0 along every axis. Every context block is made to give
the world coordinates of its own cells. If a map was cropped off centre, half a cell off, mirrored, of another scale
or entered at another level, the coordinates that the target decoder receives are not those of its own cells.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sneakynet.models.builders import build_sneakynet
from sneakynet.models.crop_skip import centre_crop, crop_skips, edge_multiple
from sneakynet.models.late_fusion import upsampled_centre

# (levels, patch size): twice each rule's smallest, so that no centre is all there is
SIZES = [(2, 4), (2, 8), (3, 8), (3, 16), (4, 16), (5, 32)]
CONTEXTS = [(1,), (2,), (3,), (1, 2), (2, 3), (1, 2, 3)]


def cell_centres(edge, *, kappa, level):
    """World positions of the cells of level ``level`` of a network at scale ``2**kappa``, along one axis."""
    width = 2.0 ** (kappa + level)
    cells = edge // 2**level
    return (torch.arange(cells) - (cells - 1) / 2) * width


def coordinate_map(edge, *, kappa, level):
    """Three channels: the world position i, j, k of every cell."""
    line = cell_centres(edge, kappa=kappa, level=level)
    return torch.stack(torch.meshgrid(line, line, line, indexing="ij")).unsqueeze(0)


def every_link():
    return [
        pytest.param(levels, edge, contexts, id=f"M{levels}-S{edge}-{contexts}")
        for levels, edge in SIZES
        for contexts in CONTEXTS
        if contexts[-1] < levels
    ]


@pytest.mark.parametrize(("levels", "edge", "contexts"), every_link())
@pytest.mark.parametrize("variant", ["B", "C", "D", "E"])
def test_every_cropped_map_lies_on_the_targets_cells(variant, levels, edge, contexts):
    links = crop_skips(variant, levels=levels, contexts=contexts, hook_source="encoder")
    assert links
    for link in links:
        context = coordinate_map(edge, kappa=link.kappa, level=link.source_level)
        target = coordinate_map(edge, kappa=0, level=link.target_level)
        assert torch.equal(centre_crop(context, kappa=link.kappa), target)


@pytest.mark.parametrize(("levels", "edge", "contexts"), every_link())
@pytest.mark.parametrize(
    ("variant", "hook_source"),
    [("B", "encoder"), ("C", "encoder"), ("D", "encoder"), ("D", "decoder"), ("D", "both")],
)
def test_in_the_network_every_context_cell_enters_the_decoder_at_its_place(
    variant, hook_source, levels, edge, contexts
):
    # Width 3: three channels at level 0, whose multiples carry the coordinates again at deeper levels.
    width = 3
    model = build_sneakynet(
        variant=variant, n_classes=2, patch_size=edge, contexts=contexts, width=width, levels=levels, norm="none",
        hook_source=hook_source,
    )  # fmt: skip
    for kappa, network in zip(contexts, model.contexts, strict=True):
        halves = {"encoder": [*network.encoder.blocks]}
        if hook_source != "encoder":
            halves["decoder"] = [stage.block for stage in network.decoder.stages]
        for half in ("encoder", "decoder") if hook_source == "both" else (hook_source,):
            for level, block in enumerate(halves[half]):
                planted = coordinate_map(edge, kappa=kappa, level=level).repeat(1, 2**level, 1, 1, 1)
                block.register_forward_hook(lambda *_, planted=planted: planted)
    received = {}
    stages = model.target.decoder.stages
    for level, stage in enumerate(stages):
        # The block reads the doubled map and the skip first, each of the level's own width; hooks follow.
        own = 2 * width * 2**level
        stage.block.register_forward_pre_hook(
            lambda _, inputs, level=level, own=own: received.__setitem__(level, inputs[0][:, own:])
        )
    bottleneck = width * 2 ** (levels - 1)
    stages[-1].up.register_forward_pre_hook(
        lambda _, inputs: received.__setitem__(levels - 1, inputs[0][:, bottleneck:])
    )
    patch = torch.zeros(1, 1, edge, edge, edge)
    with torch.no_grad():
        model(patch, [patch] * len(contexts))

    entering = dict.fromkeys(range(levels), 0)
    for link in model.crop_skips:
        entering[link.target_level] += 2**link.source_level
    for level, times in entering.items():
        assert received[level].shape[1] == 3 * times
        if times:
            expected = coordinate_map(edge, kappa=0, level=level).repeat(1, times, 1, 1, 1)
            assert torch.equal(received[level], expected)


@pytest.mark.parametrize(("levels", "edge", "contexts"), every_link())
def test_in_variant_e_context_features_lie_on_the_targets_voxels(levels, edge, contexts):
    model = build_sneakynet(
        variant="E", n_classes=2, patch_size=edge, contexts=contexts, width=3, levels=levels, norm="none"
    )
    for kappa, network in zip(contexts, model.contexts, strict=True):
        planted = coordinate_map(edge, kappa=kappa, level=0)
        network.decoder.stages[0].block.register_forward_hook(lambda *_, planted=planted: planted)
    patch = torch.zeros(1, 1, edge, edge, edge)
    with torch.no_grad():
        features = model.target_features(patch, [patch] * len(contexts))
    # Linear interpolation reproduces coordinates, up to rounding.
    expected = coordinate_map(edge, kappa=0, level=0).repeat(1, len(contexts), 1, 1, 1)
    torch.testing.assert_close(features[:, 3:], expected, rtol=0, atol=1e-4)


@given(st.data())
def test_a_single_planted_voxel_arrives_at_its_world_position_or_is_outside(data):
    levels = data.draw(st.integers(2, 5), label="levels")
    kappa = data.draw(st.integers(1, min(3, levels - 1)), label="kappa")
    edge = edge_multiple(levels=levels, contexts=(kappa,)) * data.draw(st.integers(1, 2), label="times")
    links = crop_skips("D", levels=levels, contexts=(kappa,), hook_source="encoder")
    link = data.draw(st.sampled_from(links), label="link")
    cells = edge // 2**link.source_level
    place = [data.draw(st.integers(0, cells - 1), label=axis) for axis in "ijk"]
    source = torch.zeros(1, 1, cells, cells, cells)
    source[0, 0, *place] = 1
    world = cell_centres(edge, kappa=kappa, level=link.source_level)[place]

    arrived = centre_crop(source, kappa=kappa)[0, 0].nonzero()
    if (world.abs() < edge / 2).all():
        target = cell_centres(edge, kappa=0, level=link.target_level)
        assert torch.equal(target[arrived[0]], world)
    else:
        assert len(arrived) == 0


@given(kappa=st.integers(1, 3), times=st.integers(1, 2), data=st.data())
def test_a_constant_stays_constant_in_the_late_fusion(kappa, times, data):
    edge = 2 ** (kappa + 1) * times
    value = data.draw(st.floats(-100, 100, width=32))
    fused = upsampled_centre(torch.full((1, 2, edge, edge, edge), value), kappa=kappa)
    assert fused.shape == (1, 2, edge, edge, edge)
    torch.testing.assert_close(fused, torch.full_like(fused, value))
