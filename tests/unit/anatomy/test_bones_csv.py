"""The table that comes with the package."""

from collections import Counter

import pytest
from pydicom.sr.codedict import codes

from sneakynet.anatomy.bone import BoneTable


@pytest.fixture(scope="module")
def table():
    return BoneTable.default()


def test_the_bones_sum_to_125(table):
    groups = Counter(bone.group for bone in table)
    assert groups == {
        "skull": 3,
        "spine_cervical": 7,
        "spine_thoracic": 12,
        "spine_lumbar": 5,
        "sacrum": 2,
        "ribs": 24,
        "sternum": 2,
        "shoulder": 4,
        "arm": 6,
        "carpals": 16,
        "metacarpals": 10,
        "phalanges": 28,
        "pelvis": 2,
        "leg": 4,
    }
    assert len(table) == sum(groups.values()) == 125


def test_sides_are_in_the_names_and_each_has_a_partner(table):
    for bone in table:
        words = bone.name.split("_")
        assert (bone.side in words) if bone.side else not {"left", "right"} & set(words)
        assert (bone.mirror is None) == (bone.side is None)
    assert Counter(bone.side for bone in table) == {None: 31, "left": 47, "right": 47}


def test_series_run_without_a_gap(table):
    series = {}
    for bone in table:
        if bone.series:
            series.setdefault(bone.series, []).append(bone.index)
    assert series.pop("vertebra") == list(range(1, 25))
    for name, indices in series.items():
        length = 12 if name.startswith("rib") else 5
        first = 2 if "middle" in name else 1
        assert indices == list(range(first, length + 1)), name
    assert len(series) == 10
    assert table["vertebrae_C1"].index == 1
    assert table["vertebrae_L5"].index == 24


def test_totalsegmentator_labels(table):
    lut = table.alias_lut("totalsegmentator")
    names = {foreign: table.by_id(own).name for foreign, own in lut.items()}
    expected = {25: "sacrum", 26: "sacrum", 91: "skull", 116: "sternum"}
    expected |= {27 + n: f"vertebrae_L{5 - n}" for n in range(5)}
    expected |= {32 + n: f"vertebrae_T{12 - n}" for n in range(12)}
    expected |= {44 + n: f"vertebrae_C{7 - n}" for n in range(7)}
    for first, stem in ((69, "humerus"), (71, "scapula"), (73, "clavicula"), (75, "femur"), (77, "hip")):
        expected |= {first: f"{stem}_left", first + 1: f"{stem}_right"}
    expected |= {92 + n: f"rib_left_{n + 1}" for n in range(12)} | {104 + n: f"rib_right_{n + 1}" for n in range(12)}
    assert names == expected
    assert table.find("vertebrae_S1") is table["sacrum"]


def test_verse_labels(table):
    lut = table.alias_lut("verse")
    assert {foreign: table.by_id(own).index for foreign, own in lut.items() if foreign <= 24} == {
        n: n for n in range(1, 25)
    }
    assert table.by_id(lut[26]).name == "sacrum"
    assert table.by_id(lut[27]).name == "coccyx"
    assert 25 not in lut  # L6 and T13 are no class here
    assert 28 not in lut


def test_phantom_meshes_cover_all_but_three_bones(table):
    without = [bone.name for bone in table if "phantom" not in bone.aliases]
    assert without == ["hyoid", "coccyx", "manubrium"]


def test_colors_differ(table):
    assert len({bone.color for bone in table}) == len(table)
    rgb = {bone.name: [int(bone.color[n : n + 2], 16) for n in (1, 3, 5)] for bone in table}
    for bone in table:
        for other in table:
            if other.name == bone.mirror or (
                other.series and other.series == bone.series and other.index == bone.index + 1
            ):
                distance = sum((a - b) ** 2 for a, b in zip(rgb[bone.name], rgb[other.name], strict=True)) ** 0.5
                assert distance > 50, (bone.name, other.name)


def test_snomed_codes_carry_their_check_digit(table):
    for bone in table:
        assert _verhoeff_holds(bone.snomed_code), bone.name
        assert bone.snomed_meaning


def test_snomed_codes_are_the_concepts_that_dicom_names(table):
    """Of those concepts that DICOM lists (and pydicom with it), by pydicom's name for them."""
    expected = {"Skull": "skull", "Mandible": "mandible", "HyoidBone": "hyoid", "Sacrum": "sacrum", "Coccyx": "coccyx"}
    expected |= {f"{bone.name[10:]}Vertebra": bone.name for bone in table if bone.series == "vertebra"}
    expected |= {"ManubriumOfSternum": "manubrium", "BodyOfSternum": "sternum", "Clavicle": "clavicula_left"}
    expected |= {"Scapula": "scapula_left", "Humerus": "humerus_left", "RadiusBone": "radius_left", "Ulna": "ulna_left"}
    expected |= {"Scaphoid": "scaphoid_left", "Metacarpal": "metacarpal_left_3", "Femur": "femur_left"}
    expected |= {"Patella": "patella_left"}
    assert {name: getattr(codes.SCT, name).value for name in expected} == {
        name: table[bone].snomed_code for name, bone in expected.items()
    }


def test_partners_share_their_snomed_code(table):
    """SNOMED CT says the side with a modifier."""
    for bone in table:
        if bone.mirror:
            assert bone.snomed_code == table[bone.mirror].snomed_code


def _verhoeff_holds(digits: str) -> bool:
    """SNOMED CT identifiers end in a Verhoeff check digit (arithmetic of the dihedral group D5)."""
    permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    check = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place % 8):
            value = permutation[value]
        check = _dihedral_product(check, value)
    return check == 0


def _dihedral_product(a: int, b: int) -> int:
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b - 5) % 5
    return 5 + (a - 5 - b) % 5 if b < 5 else (a - b) % 5
