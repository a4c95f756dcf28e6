"""Labels of other schemes and tables."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError, DatasetError
from sneakynet.evaluation.translation import (
    Translation,
    foreign_labels,
    named_labels,
    own_labels,
    translate,
    translation_for,
    warn_of_unnamed,
)
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels

TABLE = BoneTable((Bone(1, "head", aliases={"atlas": ("7", "9", "skull")}), Bone(2, "tail", aliases={"atlas": ("8",)})))
HERE = Path("somewhere.nii.gz")


def array(*labels):
    return np.array(labels, dtype=np.uint8).reshape(-1, 1, 1)


def test_own_labels_pass_and_others_are_listed():
    assert translate(array(0, 2, 1), own_labels(TABLE), path=HERE).ravel().tolist() == [0, 2, 1]
    with pytest.raises(
        BoneTableError,
        match=r"somewhere.nii.gz holds labels that are not in its bone table: 3, 200; the table holds 1 to 2\. "
        r"Say whose labels they are with --prediction-table or --reference-table",
    ):
        translate(array(0, 2, 3, 200), own_labels(TABLE), path=HERE)


def test_a_scheme_maps_several_labels_to_one_bone_and_the_rest_to_background():
    translation = foreign_labels("atlas", TABLE)
    assert translate(array(0, 7, 8, 9, 10, 255), translation, path=HERE).ravel().tolist() == [0, 1, 2, 1, 0, 0]


def test_names_map_by_name_or_alias_and_unknown_names_to_background():
    translation = named_labels({0: "background", 4: "tail", 5: "skull", 6: "liver"}, TABLE)
    assert translation == Translation({4: 2, 5: 1, 6: 0})
    with pytest.raises(BoneTableError, match="not in its bone table: 1; the table holds 4 to 6"):
        translate(array(4, 1), translation, path=HERE)


def test_a_label_named_ignore_counts_nowhere():
    translation = named_labels({3: "tail", 4: "ignore", 5: "horn"}, TABLE)
    assert translate(array(0, 3, 4, 5), translation, path=HERE).ravel().tolist() == [0, 2, 65535, 0]
    assert translate(array(0, 3, 4, 5), translation, path=HERE).dtype == np.uint16


def test_a_bone_named_ignore_is_a_bone():
    odd = BoneTable((Bone(1, "head"), Bone(2, "ignore")))
    assert named_labels({3: "head", 4: "ignore"}, odd) == Translation({3: 1, 4: 2})


def test_names_that_say_nothing_are_refused():
    with pytest.raises(BoneTableError, match="knows none of the label names liver, spleen; give their table"):
        named_labels({1: "liver", 2: "spleen"}, TABLE)


def test_a_table_of_your_own(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("id,name\n1,tail\n2,horn\n3,head\n")
    assert foreign_labels(str(path), TABLE) == Translation({1: 2, 2: 0, 3: 1})


def test_unknown_schemes_are_refused():
    with pytest.raises(
        BoneTableError, match=r"a scheme 'verse'; it knows: atlas; a table of your own is .* \.csv file"
    ):
        foreign_labels("verse", TABLE)


@pytest.fixture
def label_map(tmp_path):
    """A label map without names, two folders deep."""
    path = tmp_path / "set" / "labelsTr" / "a.nii.gz"
    path.parent.mkdir(parents=True)
    nibabel.save(nibabel.Nifti1Image(array(0, 1, 2), np.eye(4)), path)
    return path


def test_names_in_the_file_decide(tmp_path):
    path = tmp_path / "a.nii.gz"
    write_labels(
        path, Volume(array(0, 3, 4), np.eye(4)), names={3: "tail", 4: "head"}, colors={3: "#000000", 4: "#ffffff"}
    )
    assert translation_for(path, TABLE, source=None) == Translation({3: 2, 4: 1})
    assert translation_for(path, TABLE, source="atlas").ids == {7: 1, 9: 1, 8: 2}


def test_else_those_of_the_dataset(label_map):
    description = label_map.parent.parent / "dataset.json"
    description.write_text(json.dumps({"labels": {"background": 0, "tail": 1, "head": 2}}))
    assert translation_for(label_map, TABLE, source=None) == Translation({1: 2, 2: 1})
    description.write_text(json.dumps({"labels": {"all": [1, 2]}}))
    with pytest.raises(
        DatasetError, match=r"cannot take label names from .*dataset.json .*map each name to one number"
    ):
        translation_for(label_map, TABLE, source=None)


def test_else_the_labels_are_the_tables_own(label_map):
    assert translation_for(label_map, TABLE, source=None) == own_labels(TABLE)


@pytest.fixture
def named(tmp_path):
    path = tmp_path / "named.nii.gz"
    write_labels(path, Volume(array(0, 1), np.eye(4)), names={1: "head"}, colors={1: "#000000"})
    return path


def test_a_warning_of_one_without_names(label_map, named, caplog):
    warn_of_unnamed([label_map, named])
    assert caplog.messages == [f"{label_map} names no labels; they are taken as those of the bone table"]


def test_one_warning_of_many_without_names(label_map, named, caplog):
    others = [label_map.with_name(f"b{n}.nii.gz") for n in range(9)]
    for other in others:
        other.write_bytes(label_map.read_bytes())
    warn_of_unnamed([named, label_map, *others])
    shown = ", ".join(map(str, [label_map, *others[:7]]))
    assert caplog.messages == [f"10 label maps name no labels; they are taken as those of the bone table: {shown} ..."]


def test_no_warning_of_named_ones_nor_of_what_another_error_will_be_about(label_map, named, tmp_path, caplog):
    (label_map.parent.parent / "dataset.json").write_text("{}")
    (tmp_path / "broken.nii.gz").write_bytes(b"x")
    warn_of_unnamed([named, label_map, tmp_path / "broken.nii.gz", tmp_path / "missing.nii"])
    assert caplog.messages == []
