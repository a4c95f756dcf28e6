"""What is written is what is read, on grids of any direction."""

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from sneakynet.volumes.label_names import read_label_names
from sneakynet.volumes.read import read_labels
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels

# Anything printable; files of both kinds are text inside, in which line ends and markup have a meaning.
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=20)
label_maps = hnp.arrays(np.uint16, st.tuples(*[st.integers(2, 5)] * 3), elements=st.sampled_from([0, 1, 7, 300]))


@st.composite
def affines(draw: st.DrawFn) -> np.ndarray:
    affine = np.eye(4)
    angles = draw(st.tuples(*[st.floats(-180, 180)] * 3))
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    affine[:3, :3] *= draw(st.tuples(*[st.floats(0.2, 6.0)] * 3))
    affine[:, 0] *= draw(st.sampled_from([-1.0, 1.0]))
    affine[:3, 3] = draw(st.tuples(*[st.floats(-2000, 2000)] * 3))
    return affine


# One folder for all examples: each overwrites the last one's files.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".seg.nrrd"])
@given(voxels=label_maps, affine=affines(), name=names)
def test_labels_affine_and_names_come_back(
    tmp_path: Path, ending: str, voxels: np.ndarray, affine: np.ndarray, name: str
) -> None:
    path = tmp_path / f"case{ending}"
    table = {1: "skull", 7: name.strip() or "x", 300: "hip_left"}
    write_labels(path, Volume(voxels, affine), names=table, colors=dict.fromkeys(table, "#12ab34"))
    back = read_labels(path)
    np.testing.assert_array_equal(back.voxels, voxels)
    # NIfTI-1 holds float32; NRRD holds all digits, but its reader splits each axis into length and direction.
    exact = affine.astype(np.float32) if "nii" in ending else affine
    np.testing.assert_allclose(back.affine, exact, rtol=0, atol=1e-12)
    expected = table if "nii" in ending else {label: table[label] for label in table if label in voxels}
    assert read_label_names(path) == (expected or None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(affine=affines())
def test_an_affine_that_was_in_a_nifti_file_stays_as_it_is(tmp_path: Path, affine: np.ndarray) -> None:
    stored = affine.astype(np.float32).astype(np.float64)
    write_labels(tmp_path / "case.nii", Volume(np.zeros((2, 2, 2), np.uint8), stored), names={}, colors={})
    np.testing.assert_array_equal(read_labels(tmp_path / "case.nii").affine, stored)
