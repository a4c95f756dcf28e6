import json
from itertools import pairwise

import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.label_scheme import label_names
from sneakynet.errors import SettingError
from sneakynet.phantom.structure import structure

TABLE = BoneTable.default()


@pytest.fixture
def labels(tmp_path):
    folder = tmp_path / "dataset" / "labelsTr"
    folder.mkdir(parents=True)
    path = folder / "map.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4)), path)
    return path


@pytest.mark.parametrize(("scheme", "alias", "count"), [("total", "totalsegmentator", 117), ("verse", "verse", 28)])
def test_schemes_agree_with_the_bone_table(labels, scheme, alias, count):
    names = label_names(labels, scheme=scheme)
    assert list(names) == list(range(1, count + 1))
    for label, bone in TABLE.alias_lut(alias).items():
        assert [b.id for b in structure(names[label], TABLE).bones] == [bone]


def test_all_of_totalsegmentators_names_are_understood(labels):
    found = {name: structure(name, TABLE) for name in label_names(labels, scheme="total").values()}
    assert all(one.known for one in found.values())
    assert sum(one.kind == "bone" for one in found.values()) == 62


ATLAS = [
    {"@type": ["Group"], "annotation": {"name": "spine"}},
    {
        "@type": "Structure",
        "annotation": {"name": "Lumbar1"},
        "sourceSelector": [
            {"@type": ["Selector", "LabelMapSelector"], "dataKey": 501},
            {"@type": ["GeometrySelector"]},
        ],
    },
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps({"501": "Lumbar1", "0": "background"})),
        ("b.json", json.dumps({"background": 0, "Lumbar1": 501})),
        ("dataset.json", json.dumps({"labels": {"background": 0, "Lumbar1": 501}})),
        ("atlasStructure.json", json.dumps(ATLAS)),
        ("c.csv", "id,name,side\n501,Lumbar1,\n"),
        ("d.csv", "label,name\n501,Lumbar1\n"),
    ],
)
def test_files_with_names(labels, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert label_names(labels, names=tmp_path / name) == {501: "Lumbar1"}


def test_names_beside_the_map(labels):
    places = [
        (labels.parent.parent / "dataset.json", json.dumps({"labels": {"background": 0, "dataset": 1}})),
        (labels.parent / "atlasStructure.json", json.dumps(ATLAS)),
    ]
    seen = []
    for path, text in places:
        path.write_text(text)
        seen.append(label_names(labels))
    assert seen == [{1: "dataset"}, {501: "Lumbar1"}]
    assert all(one != other for one, other in pairwise(seen))


def test_nothing_says_the_names(labels):
    with pytest.raises(SettingError, match=r"names no labels; say what they are with --scheme .* or --names FILE"):
        label_names(labels)
