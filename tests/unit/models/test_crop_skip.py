import pytest
import torch

from sneakynet.models.crop_skip import CropSkip, centre_crop, centre_start, crop_skips, edge_multiple


def table(variant, contexts, levels=5):
    links = crop_skips(variant, levels=levels, contexts=contexts, hook_source="encoder")
    return [(link.context, link.source_level, link.target_level) for link in links]


def test_the_papers_table():
    assert table("D", (1,)) == [(0, 0, 1), (0, 1, 2), (0, 2, 3), (0, 3, 4)]
    assert table("D", (2,)) == [(0, 0, 2), (0, 1, 3), (0, 2, 4)]
    assert table("D", (3,)) == [(0, 0, 3), (0, 1, 4)]
    assert table("D", (1, 2, 3)) == [
        *[(0, 0, 1), (0, 1, 2), (0, 2, 3), (0, 3, 4)],
        *[(1, 0, 2), (1, 1, 3), (1, 2, 4)],
        *[(2, 0, 3), (2, 1, 4)],
    ]
    assert table("C", (1, 2)) == table("E", (1, 2)) == table("D", (1, 2))
    assert table("B", (1,)) == [(0, 3, 4)]
    assert table("B", (1, 2, 3)) == [(0, 3, 4), (1, 2, 4), (2, 1, 4)]
    assert table("A", ()) == []


def test_both_halves_of_a_context_may_give_their_maps():
    links = crop_skips("D", levels=3, contexts=(1, 2), hook_source="both")
    assert [(link.context, link.source_level, link.source) for link in links] == [
        *[(0, 0, "encoder"), (0, 0, "decoder"), (0, 1, "encoder"), (0, 1, "decoder")],
        *[(1, 0, "encoder"), (1, 0, "decoder")],
    ]


def test_cells_of_unequal_width_are_refused_with_the_rule():
    with pytest.raises(ValueError, match=r"r_C \* 2\*\*l_C == r_T \* 2\*\*l_T.*level 1 at scale 4.*target level 2"):
        CropSkip(context=0, kappa=2, source_level=1, target_level=2)


def test_edges():
    assert edge_multiple(levels=5, contexts=()) == 16
    assert edge_multiple(levels=5, contexts=(1,)) == 32
    assert edge_multiple(levels=5, contexts=(3,)) == 32


def test_the_centre_of_a_line_of_eight():
    line = torch.arange(8.0).reshape(1, 1, 8, 1, 1).expand(1, 1, 8, 8, 16)
    assert centre_crop(line, kappa=1)[0, 0, :, 0, 0].tolist() == [2, 3, 4, 5]
    assert centre_crop(line, kappa=2)[0, 0, :, 0, 0].tolist() == [3, 4]
    assert centre_crop(line, kappa=2).shape == (1, 1, 2, 2, 4)


def test_a_centre_off_a_whole_voxel_is_refused():
    with pytest.raises(ValueError, match=r"centre 1/2 of an edge of 6 does not start on a whole voxel.*multiple of 4"):
        centre_start(6, kappa=1)
