"""Contexts run once over the scan: the same maps as a patch that is the whole scan, and labels without loss."""

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool3d

from sneakynet.data.sampling import PatchGeometry
from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.inference.whole_context import WholeContext, can_see_whole, tile_grid
from sneakynet.models.builders import build_sneakynet
from sneakynet.models.sneakynet import ContextMaps

CPU = torch.device("cpu")


def network(variant="E", contexts=(1,), *, norm="none", hook_source="decoder", levels=3):
    torch.manual_seed(0)
    built = build_sneakynet(
        variant=variant,
        n_classes=4,
        patch_size=16,
        contexts=contexts,
        width=4,
        levels=levels,
        norm=norm,
        hook_source=hook_source,
    )
    return built.eval()


def pyramid_of(shape, contexts):
    scan = np.random.default_rng(0).integers(-1000, 1000, shape).astype(np.int16)
    return ScanPyramid.build(scan, PatchGeometry(16, contexts), hu_window=(-1000.0, 1000.0))


@pytest.mark.parametrize(("variant", "hook_source"), [("E", "decoder"), ("E", "encoder"), ("D", "decoder")])
@torch.inference_mode()
def test_a_tile_whose_context_patch_is_the_whole_scan_gets_the_same_features(variant, hook_source):
    """A scan of one tile, continued by 4 cells, is exactly that tile's context patch at scale 2."""
    net = network(variant, hook_source=hook_source)
    pyramid = pyramid_of((16, 16, 16), (1,))
    whole = WholeContext(net, pyramid, patch_size=16, device=CPU, margin=4)

    origin = (0, 0, 0)
    expected = net.target_features(*_target_and_contexts(pyramid, origin))

    torch.testing.assert_close(whole.features(pyramid.targets([origin]), [origin]), expected, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_every_crossing_reads_the_tile_s_own_place(monkeypatch):
    """On a linear ramp pooling and interpolation are exact: what crosses is the target's own patch, pooled."""
    net = network(contexts=(1, 2))
    i, j, k = np.indices((80, 64, 72))
    pyramid = ScanPyramid.build(
        (i + 3 * j + 5 * k).astype(np.float32), PatchGeometry(16, (1, 2)), hu_window=(0.0, 1000.0)
    )

    def pooled_only(contexts, *, decode):
        assert decode
        return [ContextMaps((), tuple(avg_pool3d(volume, 2**level) for level in range(3))) for volume in contexts]

    monkeypatch.setattr(net, "context_maps", pooled_only)
    seen = {}

    def fuse(target, crossed, beside):
        seen.update(crossed=crossed, beside=beside)
        return target

    monkeypatch.setattr(net, "fuse", fuse)
    whole = WholeContext(net, pyramid, patch_size=16, device=CPU)
    origins = [(24, 16, 32), (32, 24, 20)]
    target = pyramid.targets(origins)

    whole.features(target, origins)

    crossed, beside = seen["crossed"], seen["beside"]
    assert len(crossed) == len(net.crop_skips) > 2
    for link, part in zip(net.crop_skips, crossed, strict=True):
        torch.testing.assert_close(part, avg_pool3d(target, 2**link.target_level))
    for part in beside:
        torch.testing.assert_close(part, target)


def _target_and_contexts(pyramid, origin):
    target, *contexts = pyramid.patches([origin])
    return target, contexts


@pytest.mark.parametrize(
    ("settings", "can"),
    [
        ({"variant": "E", "norm": "batch"}, True),
        ({"variant": "D", "norm": "batch"}, True),
        ({"variant": "D", "norm": "batch", "hook_source": "encoder"}, False),
        ({"variant": "E", "norm": "instance"}, False),
        ({"variant": "A", "norm": "batch", "contexts": ()}, False),
    ],
)
def test_only_networks_whose_maps_do_not_depend_on_the_patch_may(settings, can):
    assert can_see_whole(network(**settings)) is can


def test_tiles_begin_on_cells_of_the_deepest_level():
    assert tile_grid(network(levels=3)) == 4
