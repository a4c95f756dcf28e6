"""Contexts run once over the scan: the same maps as every tile's own patch gives, each read at the tile's own place."""

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool3d

from sneakynet.data.patches import PatchGeometry
from sneakynet.inference import contexts as module
from sneakynet.inference.contexts import Contexts, level_shape, reach, shared_contexts, tile_grid
from sneakynet.inference.engine import Engine, TorchEngine
from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.models.builders import build_sneakynet

CPU = torch.device("cpu")


def network(variant="E", contexts=(1,), *, norm="none", hook_source="decoder", levels=3, patch_size=16):
    torch.manual_seed(0)
    built = build_sneakynet(
        variant=variant,
        n_classes=4,
        patch_size=patch_size,
        contexts=contexts,
        width=4,
        levels=levels,
        norm=norm,
        hook_source=hook_source,
    )
    return built.eval()


def engine_of(net):
    return TorchEngine(net, device=CPU, dtype=torch.float32)


def pyramid_of(shape, contexts, *, patch_size=16):
    scan = np.random.default_rng(0).integers(-1000, 1000, shape).astype(np.int16)
    return ScanPyramid.build(scan, PatchGeometry(patch_size, contexts), hu_window=(-1000.0, 1000.0))


def features(contexts, pyramid, origin):
    """All features of a tile wholly inside the scan, those of shared contexts beside the target's own."""
    own = contexts.features(pyramid.patches([origin]), [origin])
    size = own.shape[-1]
    planes, rows = range(origin[2], origin[2] + size), range(origin[1], origin[1] + size)
    beside = [
        map_.permute(3, 2, 1, 0)[None, :, origin[0] : origin[0] + size] for map_ in contexts.beside(planes, rows=rows)
    ]
    return torch.cat([own, *beside], dim=1)


def expected_features(net, pyramid, origin):
    patches = [pyramid.patches([origin], kappa) for kappa in (0, *net.architecture.contexts)]
    return net.target_features(patches[0], patches[1:])


@pytest.mark.parametrize(
    ("variant", "hook_source"), [("E", "decoder"), ("E", "encoder"), ("E", "both"), ("D", "decoder"), ("D", "both")]
)
@torch.inference_mode()
def test_a_tile_whose_context_patch_is_the_whole_scan_gets_the_same_features(variant, hook_source):
    """A scan of one tile, continued by 4 cells, is exactly that tile's context patch at scale 2."""
    net = network(variant, hook_source=hook_source)
    pyramid = pyramid_of((16, 16, 16), (1,))

    contexts = Contexts(engine_of(net), pyramid, shared=(True,), margin=4)

    found = features(contexts, pyramid, (0, 0, 0))
    torch.testing.assert_close(found, expected_features(net, pyramid, (0, 0, 0)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variant", ["B", "C", "D"])
@pytest.mark.parametrize("origin", [(-8, 0, 24), (16, 32, 100), (28, 20, 148)])
@torch.inference_mode()
def test_encoders_run_once_in_blocks_give_every_tile_what_its_own_patch_gives(monkeypatch, variant, origin):
    """The first two levels look 6 cells beyond their own, a patch of 32 reaches 8 and 12 cells beyond its tile."""
    monkeypatch.setattr(module, "_BLOCK", 16)
    net = network(variant, (1, 2), hook_source="encoder", patch_size=32)
    assert shared_contexts(net.architecture) == (True, True)
    pyramid = pyramid_of((60, 52, 180), (1, 2), patch_size=32)

    contexts = Contexts(engine_of(net), pyramid, shared=(True, True), block_voxels=0)

    found = contexts.features(pyramid.patches([origin]), [origin])
    torch.testing.assert_close(found, expected_features(net, pyramid, origin), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("variant", "hook_source"), [("E", "encoder"), ("D", "decoder"), ("D", "both")])
@torch.inference_mode()
def test_decoders_run_in_blocks_give_what_one_pass_gives(variant, hook_source):
    net = network(variant, (1,), norm="batch", hook_source=hook_source)
    pyramid = pyramid_of((24, 20, 300), (1,))
    one = Contexts(engine_of(net), pyramid, shared=(True,))

    blocks = Contexts(engine_of(net), pyramid, shared=(True,), block_voxels=0)

    for origin in ((0, 4, 120), (4, 0, 128), (8, 4, 284)):
        torch.testing.assert_close(
            features(blocks, pyramid, origin), features(one, pyramid, origin), rtol=1e-4, atol=1e-5
        )


def test_the_size_of_a_level_is_known_beforehand():
    net = network("E", (1, 2))
    sizes = []

    class Sizes(Pooling):
        def context_maps(self, context, volume):
            sizes.append(tuple(volume.shape[2:]))
            return super().context_maps(context, volume)

    engine = Sizes(net.architecture, crop_skips=net.crop_skips, device=CPU, precision="f32")
    Contexts(engine, pyramid_of((33, 20, 47), (1, 2)), shared=(True, True))

    assert sizes == [level_shape((33, 20, 47), net.architecture, kappa) for kappa in (1, 2)]


@pytest.mark.parametrize("variant", ["D", "E"])
@torch.inference_mode()
def test_contexts_that_are_not_shared_run_for_every_tile(variant):
    net = network(variant, (1, 2), norm="instance")
    pyramid = pyramid_of((40, 40, 40), (1, 2))
    origins = [(-8, 4, 24), (16, 0, 8)]

    contexts = Contexts(engine_of(net), pyramid, shared=(False, False))

    found = contexts.features(pyramid.patches(origins), origins)
    expected = torch.cat([expected_features(net, pyramid, origin) for origin in origins])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert contexts.beside(range(4), rows=range(4)) == []


class Pooling(Engine):
    """Every map is its input, pooled: what crosses can be told by hand."""

    def context_maps(self, context, volume):
        links = [link for link in self.crop_skips if link.context == context]
        return (*(avg_pool3d(volume, 2**link.source_level) for link in links), volume)

    def target_features(self, target, crossed):
        self.crossed = list(crossed)
        return target

    def head(self):
        raise NotImplementedError


@torch.inference_mode()
def test_every_crossing_reads_the_tile_s_own_place():
    """On a linear ramp pooling and interpolation are exact: what crosses is the target's own patch, pooled."""
    net = network(contexts=(1, 2))
    i, j, k = np.indices((80, 64, 72))
    pyramid = ScanPyramid.build(
        (i + 3 * j + 5 * k).astype(np.float32), PatchGeometry(16, (1, 2)), hu_window=(0.0, 1000.0)
    )
    engine = Pooling(net.architecture, crop_skips=net.crop_skips, device=CPU, precision="f32")
    contexts = Contexts(engine, pyramid, shared=(True, True))
    origins = [(24, 16, 32), (32, 24, 20)]
    target = pyramid.patches(origins)

    contexts.features(target, origins)

    assert len(engine.crossed) == len(net.crop_skips) > 2
    for link, part in zip(net.crop_skips, engine.crossed, strict=True):
        torch.testing.assert_close(part, avg_pool3d(target, 2**link.target_level))
    planes, rows = range(21, 40), range(17, 30)
    beside = contexts.beside(planes, rows=rows)
    assert contexts.beside_channels == len(beside) == 2
    inner = slice(8, 64)  # away from the scan's faces, where the ramp ends
    for part in beside:
        expected = pyramid.levels[0][inner, 17:30, 21:40].permute(2, 1, 0)[..., None]
        torch.testing.assert_close(part[:, :, inner], expected)


@pytest.mark.parametrize(
    ("settings", "shared"),
    [
        ({"variant": "E", "norm": "batch"}, (True,)),
        ({"variant": "D", "norm": "batch"}, (True,)),
        # Level 1 looks 6 cells beyond its own, a patch of 16 reaches 4 cells beyond its tile, one of 32 8.
        ({"variant": "D", "norm": "batch", "hook_source": "encoder"}, (False,)),
        ({"variant": "D", "norm": "batch", "hook_source": "encoder", "patch_size": 32}, (True,)),
        # Five levels as in the paper: level 3 looks 30 cells, a patch of 64 reaches 16, 24 and 28.
        (
            {"variant": "D", "hook_source": "encoder", "levels": 5, "patch_size": 64, "contexts": (1, 2, 3)},
            (False, True, True),
        ),
        ({"variant": "E", "norm": "instance"}, (False,)),
        ({"variant": "A", "norm": "batch", "contexts": (), "hook_source": "encoder"}, ()),
    ],
)
def test_only_contexts_whose_maps_do_not_depend_on_the_patch_are_shared(settings, shared):
    assert shared_contexts(network(**settings).architecture) == shared


@pytest.mark.parametrize("level", [0, 1, 2])
@torch.inference_mode()
def test_reach_is_how_far_a_level_looks(level):
    encoder = network(levels=3).contexts[0].encoder
    volume = torch.zeros(1, 1, 64, 8, 8)
    cell = 2**level
    far = volume.clone()
    far[:, :, 32 + cell + reach(level) :] = 1.0  # just beyond what cell 32 / 2**level looks at
    near = far.clone()
    near[:, :, 32 + cell + reach(level) - 1] = 1.0

    def at(patch):
        return encoder(patch)[level][:, :, 32 // cell]

    assert torch.equal(at(far), at(volume))
    assert not torch.equal(at(near), at(volume))


def test_tiles_begin_on_cells_of_the_deepest_level_where_contexts_are_shared():
    architecture = network(levels=3).architecture

    assert tile_grid(architecture, shared=True) == 4
    assert tile_grid(architecture, shared=False) == 2
