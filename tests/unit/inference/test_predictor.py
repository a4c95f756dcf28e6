from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.data.patches import PatchGeometry
from sneakynet.errors import SettingError, WeightsError
from sneakynet.inference import predictor as module
from sneakynet.inference.contexts import Contexts
from sneakynet.inference.engine import Engine
from sneakynet.inference.memory import forecast
from sneakynet.inference.predictor import Predictor, segment
from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.inference.tiles import gaussian, plan_tiles
from sneakynet.models.builders import build_sneakynet
from sneakynet.models.sneakynet import apply_head
from sneakynet.models.weights import WeightsHeader, save_weights
from sneakynet.volumes.volume import Volume

N_CLASSES = 5
SPACING = 4.0


def make_predictor(*, skip_air=True, **architecture):
    torch.manual_seed(1)
    network = build_sneakynet(n_classes=N_CLASSES, patch_size=8, width=4, levels=2, **architecture)
    for unet in (network.target, *network.contexts):
        torch.nn.init.normal_(unet.head.weight)  # so that every class wins somewhere
        unet.head.bias.data.copy_(-unet.head.weight.data.sum(dim=1).flatten() / 2)
    header = WeightsHeader(
        architecture=network.architecture.to_dict(),
        spacing=(SPACING,) * 3,
        hu_window=(-1000.0, 1000.0),
        table=BoneTable(
            (
                Bone(id=1, name="bone_left", side="left", mirror="bone_right"),
                Bone(id=2, name="bone_right", side="right", mirror="bone_left"),
                *(Bone(id=n, name=f"bone_{n}") for n in range(3, N_CLASSES)),
            )
        ),
        provenance={"steps": 3},
    )
    return Predictor(network, header, name="tiny", device="cpu", precision="f32", overlap=0.5, skip_air=skip_air)


class Threshold(Engine):
    """Bone 1 wherever a voxel of the network's grid is above 0 HU, bone 2 where it is denser than 900 HU."""

    def context_maps(self, context, volume):
        raise NotImplementedError

    def target_features(self, target, crossed):
        return torch.cat([target, torch.ones_like(target)], dim=1)

    def head(self):
        return torch.tensor([[0.0, 0.0], [1.0, 0.0], [10.0, -8.1], [-9.0, 0.0], [-9.0, 0.0]]), torch.tensor(
            [0.0, 0.0, 0.0, -99.0, -99.0]
        )


def threshold_predictor():
    predictor = make_predictor(variant="A", contexts=(), norm="none")
    network = predictor.engine.network
    engine = Threshold(network.architecture, crop_skips=(), device=torch.device("cpu"), precision="f32")
    return Predictor(engine, predictor.header, name="threshold", overlap=0.5)


def rotation(degrees, axis):
    angle = np.radians(degrees)
    turn = np.eye(3)
    a, b = [n for n in range(3) if n != axis]
    turn[a, a] = turn[b, b] = np.cos(angle)
    turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
    return turn


def blob(shape, matrix):
    """A ball of bone off the middle, sampled on a grid whose steps are the matrix's columns."""
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = -matrix @ (np.array(shape) - 1) / 2 + [5.0, -3.0, 2.0]
    world = np.einsum("ab,bijk->aijk", matrix, np.indices(shape)) + affine[:3, 3].reshape(3, 1, 1, 1)
    distance = np.linalg.norm(world - np.array([12.0, 6.0, -8.0]).reshape(3, 1, 1, 1), axis=0)
    return Volume((np.clip(22 - distance, -10, 10) * 60).astype(np.int16), affine)


@pytest.mark.parametrize(
    ("variant", "contexts", "norm"),
    [("A", (), "batch"), ("D", (1,), "instance"), ("E", (1,), "instance"), ("E", (1,), "batch"), ("D", (1,), "batch")],
)
def test_labels_equal_those_of_the_plain_method(variant, contexts, norm):
    """Class scores of every tile, averaged with Gaussian weights, interpolated as a whole, then the winner."""
    predictor = make_predictor(variant=variant, contexts=contexts, norm=norm)
    network, geometry = predictor.engine.network, PatchGeometry(8, contexts)
    generator = np.random.default_rng(0)
    voxels = generator.integers(-1000, 1000, size=(11, 9, 18)).astype(np.int16).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    scan = Volume(voxels, np.diag([SPACING / 2] * 3 + [1.0]))

    pyramid = ScanPyramid.build(
        # Averaging pairs of equal voxels and the neighbours' halves is the resampler's business.
        _on_grid(scan),
        geometry,
        hu_window=(-1000.0, 1000.0),
    )
    whole = norm == "batch" and variant == "E"
    around = Contexts(predictor.engine, pyramid, shared=(whole,) * len(contexts))
    bell = gaussian(8).float()
    window = bell[:, None, None] * bell[None, :, None] * bell
    total, weight = torch.zeros(N_CLASSES, 40, 40, 40), torch.zeros(40, 40, 40)
    plan = plan_tiles((11, 9, 18), patch_size=8, grid=geometry.grid)
    with torch.inference_mode():
        for k in plan.origins[2]:
            for origin in plan.layer(k):
                at = tuple(slice(o, o + 8) for o in origin)
                if whole:
                    own = around.features(pyramid.patches([origin]), [origin])
                    scores = apply_head(own, network.own_head())[0]
                else:
                    scores = network(*_patches(pyramid, origin, contexts)).target[0]
                total[(slice(None), *at)] += scores * window
                weight[at] += window
        scores = (total / weight)[:, :11, :9, :18]
        if whole:
            (beside,) = around.beside(range(18), rows=range(9))
            ((context_weight, context_bias),) = network.context_heads()
            scores += (beside @ context_weight.T + context_bias).permute(3, 2, 1, 0)
    fine = interpolate(scores[None], scale_factor=2, mode="trilinear", align_corners=False)[0]

    labels = predictor.segment(scan).labels.voxels

    expected = fine.argmax(dim=0).numpy()
    assert np.bincount(expected.ravel(), minlength=N_CLASSES).max() < 0.8 * expected.size
    assert (labels == expected).mean() > 0.9999  # float32 ties


def _patches(pyramid, origin, contexts):
    target, *around = (pyramid.patches([origin], kappa) for kappa in (0, *contexts))
    return target, around


def _on_grid(scan):
    from sneakynet.data.network_grid import on_network_grid

    return on_network_grid(scan, spacing=(SPACING,) * 3).voxels


@pytest.mark.parametrize("permutation", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (-1, -1, -1)])
def test_any_axis_order_and_flip_keeps_its_grid(permutation, signs):
    matrix = np.eye(3)[:, permutation] * np.array(signs) * SPACING
    scan = blob((13, 17, 20), matrix)

    labels = threshold_predictor().segment(scan).labels

    np.testing.assert_array_equal(labels.affine, scan.affine)
    np.testing.assert_array_equal(labels.voxels, scan.voxels > 0)


@pytest.mark.parametrize(
    ("matrix", "shape"),
    [
        (rotation(20, 2) * SPACING, (20, 20, 20)),
        (rotation(-35, 0) @ rotation(15, 1) * SPACING, (20, 20, 20)),
    ],
)
def test_an_oblique_scan_of_the_network_s_spacing_is_labelled_voxel_by_voxel(matrix, shape):
    scan = blob(shape, matrix)

    labels = threshold_predictor().segment(scan).labels

    np.testing.assert_array_equal(labels.affine, scan.affine)
    np.testing.assert_array_equal(labels.voxels, scan.voxels > 0)


@pytest.mark.parametrize(
    ("matrix", "shape"),
    [
        (np.diag([1.0, -1.2, 5.0]), (70, 60, 14)),
        (rotation(25, 1) @ np.diag([-1.5, 6.0, 2.0]), (45, 12, 40)),
        (np.eye(3)[:, (2, 0, 1)] * 3.0, (26, 25, 27)),
    ],
)
def test_anisotropic_scans_keep_their_grid_and_place(matrix, shape):
    scan = blob(shape, matrix)

    labels = threshold_predictor().segment(scan).labels

    truth = scan.voxels > 0
    assert labels.shape == scan.shape
    np.testing.assert_array_equal(labels.affine, scan.affine)
    assert 2 * (labels.voxels.astype(bool) & truth).sum() / ((labels.voxels > 0).sum() + truth.sum()) > 0.97


@pytest.mark.parametrize("shape", [(2, 3, 2), (3, 30, 2)])
def test_a_scan_smaller_than_a_tile(shape):
    scan = Volume(np.full(shape, 300, dtype=np.int16), np.diag([SPACING, SPACING, SPACING, 1]))

    labels = threshold_predictor().segment(scan).labels

    assert labels.shape == shape
    assert (labels.voxels == 1).all()


def test_the_same_scan_gives_the_same_labels_again_and_progress_ends_at_all_tiles():
    predictor = make_predictor(variant="E", contexts=(1,))
    scan = blob((20, 20, 20), np.eye(3) * 3)
    seen = []

    first = predictor.segment(scan, progress=lambda done, total: seen.append((done, total)))
    second = predictor.segment(scan)

    np.testing.assert_array_equal(first.labels.voxels, second.labels.voxels)
    assert seen[-1] == (27, 27)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_the_segmentation_says_where_it_comes_from():
    model = make_predictor(variant="E", contexts=(1,)).segment(blob((8, 8, 8), np.eye(3) * 4)).model

    assert model["name"] == "tiny"
    assert model["spacing_mm"] == [4.0, 4.0, 4.0]
    assert model["provenance"] == {"steps": 3}


def test_segment_reads_a_weights_file(tmp_path):
    predictor = make_predictor(variant="A", contexts=())
    save_weights(tmp_path / "tiny.safetensors", predictor.engine.network, predictor.header)
    scan = blob((20, 20, 20), np.eye(3) * 3)

    found = segment(scan, model=tmp_path / "tiny.safetensors", device="cpu", precision="f32", progress=True)

    same = Predictor(predictor.engine.network, predictor.header, name="tiny", device="cpu", precision="f32")
    np.testing.assert_array_equal(found.labels.voxels, same.segment(scan).labels.voxels)
    assert found.table == predictor.header.table


def test_a_missing_weights_file(tmp_path):
    with pytest.raises(WeightsError, match="there is no such file"):
        Predictor.load(tmp_path / "none.safetensors")


def test_the_device_is_checked_before_the_file_is_read(tmp_path):
    with pytest.raises(SettingError, match="cannot use device 'tpu'"):
        Predictor.load(tmp_path / "none.safetensors", device="tpu")


def test_air_is_skipped_and_is_background():
    """Half of the scan is air: its tiles never run, and the labels of the other half stay."""
    predictor = make_predictor(variant="A", contexts=())
    dense = np.random.default_rng(0).integers(-250, 1000, (16, 16, 16)).astype(np.int16)
    scan = np.full((16, 16, 48), -1000, np.int16)
    scan[..., :16] = dense
    runs = []
    labels = predictor.segment(
        Volume(scan, np.diag([SPACING] * 3 + [1.0])), progress=lambda done, total: runs.append((done, total))
    ).labels.voxels
    assert runs[-1][0] == runs[-1][1] < len(plan_tiles((16, 16, 48), patch_size=8, overlap=0.5))
    assert not labels[..., 26:].any()
    assert len(np.unique(labels[..., :14])) > 1


def test_a_scan_of_air_is_background():
    labels = make_predictor(variant="E", contexts=(1,), norm="batch").segment(
        Volume(np.full((20, 20, 20), -1000, np.int16), np.diag([SPACING] * 3 + [1.0]))
    )
    assert not labels.labels.voxels.any()


def test_skipping_air_changes_no_label_of_what_is_denser():
    """A lone bone in air, thinner than a voxel of the network: the tiles around it run as they did."""
    scan = np.full((40, 40, 60), -1000, np.int16)
    scan[17:19, 20, 25:31] = 700
    scan = Volume(scan, np.diag([SPACING / 2] * 3 + [1.0]))
    one, other = (
        make_predictor(variant="E", contexts=(1,), norm="batch", skip_air=skip).segment(scan).labels.voxels
        for skip in (False, True)
    )
    dense = scan.voxels > -300
    np.testing.assert_array_equal(one[dense], other[dense])
    assert np.count_nonzero(one) > np.count_nonzero(other)  # the untrained network calls air bone where it runs


def test_confidence_is_the_probability_of_the_winner():
    scan = blob((20, 20, 20), np.eye(3) * SPACING)

    found = threshold_predictor().segment(scan, confidence=True)

    assert found.confidence is not None
    np.testing.assert_array_equal(found.confidence.affine, scan.affine)
    grey = scan.voxels / 1000.0
    scores = np.stack([np.zeros_like(grey), grey, 10 * grey - 8.1])
    expected = 100 * np.exp(scores.max(0)) / (np.exp(scores).sum(0) + np.exp(-9 * grey - 99) * 2)
    dense = scan.voxels > -300
    assert np.abs(found.confidence.voxels - expected)[dense].max() < 1
    assert found.confidence.voxels.max() == 100  # air that was skipped is background for certain
    assert threshold_predictor().segment(scan).confidence is None


@pytest.mark.parametrize(("variant", "contexts", "width"), [("A", (), 20), ("A", (), 21), ("E", (1,), 20)])
def test_a_mirrored_pass_makes_left_and_right_equal(variant, contexts, width):
    """With both passes a mirrored scan gives the mirrored labels, sides exchanged: the network has no side left."""
    predictor = make_predictor(variant=variant, contexts=contexts, norm="batch")
    scan = Volume(
        np.random.default_rng(0).integers(-250, 1000, (width, 16, 24)).astype(np.int16),
        np.diag([SPACING] * 3 + [1.0]),
    )
    twin = Volume(np.ascontiguousarray(scan.voxels[::-1]), scan.affine)

    one, two = (predictor.segment(each, mirror=True).labels.voxels for each in (scan, twin))

    exchanged = np.array([0, 2, 1, 3, 4], np.uint8)[two[::-1]]
    alone = predictor.segment(scan).labels.voxels
    assert (one == exchanged).mean() > 0.9999
    assert 0.2 < (one == alone).mean() < 0.98
    assert predictor.segment(scan, mirror=True).work["mirrored_too"] is True


def test_a_side_without_a_partner_cannot_be_mirrored():
    predictor, planned = make_predictor(variant="A", contexts=()), []
    lone = [replace(bone, mirror=None) for bone in predictor.header.table]
    predictor.header = replace(predictor.header, table=BoneTable(tuple(lone)))

    with pytest.raises(SettingError, match=r"2 of its bones have a side, .* \(bone_left, bone_right\); leave out"):
        predictor.segment(blob((20, 20, 20), np.eye(3) * 3), mirror=True, planned=planned.append)

    assert planned == []


def test_labels_on_disk_are_the_same_and_leave_nothing_behind(tmp_path):
    predictor, scan = make_predictor(variant="A", contexts=()), blob((20, 20, 20), np.eye(3) * 3)

    found = predictor.segment(scan, folder=tmp_path, confidence=True)

    np.testing.assert_array_equal(found.labels.voxels, predictor.segment(scan).labels.voxels)
    assert list(tmp_path.iterdir()) == []


def test_narrower_strips_give_the_same_labels(monkeypatch):
    predictor = make_predictor(variant="E", contexts=(1,), norm="batch")
    scan = Volume(
        np.random.default_rng(0).integers(-250, 1000, (33, 70, 40)).astype(np.int16), np.diag([3.0, 3.0, 3.0, 1.0])
    )
    seen, runs = [], []
    whole = predictor.segment(scan, planned=seen.append, confidence=True)
    monkeypatch.setattr(module, "fit", lambda work, *, base, limit, step: forecast(work, base=base, rows=2 * step))

    strips = predictor.segment(
        scan, planned=seen.append, confidence=True, progress=lambda done, total: runs.append((done, total))
    )

    assert [each.rows for each in seen] == [53, 8]  # 70 rows of 3 mm on a grid of 4 mm
    assert runs[-1][0] == runs[-1][1]
    np.testing.assert_array_equal(strips.labels.voxels, whole.labels.voxels)
    np.testing.assert_array_equal(strips.confidence.voxels, whole.confidence.voxels)


def test_a_memory_limit_below_the_least_is_refused_before_any_work():
    predictor = make_predictor(variant="A", contexts=())
    ran = []

    with pytest.raises(SettingError, match=r"needs at least .* GiB.*the limit is 10\.00 MiB"):
        predictor.segment(
            blob((20, 20, 20), np.eye(3) * 3), memory_limit=10 * 2**20, progress=lambda *done: ran.append(done)
        )

    assert ran == []


def test_contexts_that_cannot_be_shared_are_told_of(caplog):
    make_predictor(variant="E", contexts=(1,), norm="instance")

    assert "tiny: its contexts are normalised by the statistics of what they see (instance)" in caplog.text


def test_values_that_are_not_finite_are_refused():
    predictor = make_predictor(variant="A", contexts=())
    with torch.no_grad():
        predictor.engine.network.target.decoder.stages[0].block.layers[0].weight[0, 0, 0, 0, 0] = float("nan")

    with pytest.raises(WeightsError, match=r"the model tiny gave values that are not finite .*precision f32"):
        predictor.segment(blob((20, 20, 20), np.eye(3) * SPACING))


def test_bf16_changes_few_labels_and_is_recorded():
    full = make_predictor(variant="A", contexts=())
    half = Predictor(full.engine.network, full.header, name="tiny", device="cpu", precision="bf16", overlap=0.5)
    scan = Volume(
        np.random.default_rng(0).integers(-250, 1000, (16, 16, 16)).astype(np.int16), np.diag([SPACING] * 3 + [1.0])
    )
    one, two = full.segment(scan), half.segment(scan)
    assert (one.model["precision"], two.model["precision"]) == ("f32", "bf16")
    assert 0.9 < (one.labels.voxels == two.labels.voxels).mean() < 1
