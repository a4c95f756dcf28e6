import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.inference.order.order import order_names

TABLE = BoneTable.default()


def test_a_loose_process_beside_the_next_vertebra_goes_with_its_own(spine):
    built = spine("T11", "L5")
    loose = built.slipped("L3")
    truth = built.labels.voxels.copy()
    for voxels in (loose.voxels, truth):
        # The process of T12 hangs loose beside L1.
        body = built.body["vertebrae_L1"]
        voxels[39:42, 16:19, body.start : body.stop - 4] = 0
    loose.voxels[39:42, 16:19, body.start : body.start + 4] = TABLE["vertebrae_T11"].id
    truth[39:42, 16:19, body.start : body.start + 4] = TABLE["vertebrae_T12"].id

    ordered, _ = order_names(loose, table=TABLE)

    np.testing.assert_array_equal(ordered.voxels, truth)


def test_what_lies_far_from_the_column_keeps_its_name(spine):
    built = spine("T11", "L5")
    slipped = built.slipped("L3")
    slipped.voxels[70:78, 50:58, 50:60] = TABLE["vertebrae_T11"].id

    ordered, _ = order_names(slipped, table=TABLE)

    assert (ordered.voxels[70:78, 50:58, 50:60] == TABLE["vertebrae_T11"].id).all()
