"""What a person is made of besides bone, and what lies around them: ranges and rates."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TissueSettings:
    """Ranges are (low, high), drawn evenly where nothing else is said; rates are shares of bodies.

    Sizes are of adults. Where no source is named, the range is chosen by eye from everyday scans.
    """

    fat_mm: tuple[float, float] = (4.0, 60.0)
    """Fat under the trunk's skin, mm: least and most where it goes by sex and body mass index, else drawn log-evenly
    (abdominal CT knows 5 to over 50: lean to severely obese)."""

    muscle_mm: tuple[float, float] = (0.0, 11.0)
    """Muscle over ribs, limbs and pelvis beyond the least there is, mm."""

    belly_mm: tuple[float, float] = (-20.0, 25.0)
    """Bulge of the belly before the line from sternum to pubis, mm, to which 0.9 of the fat's thickness is added."""

    neck_mm: tuple[float, float] = (50.0, 66.0)
    """Radius of the neck, mm: circumferences of 31 to 42 cm (Ben-Noun 2001 screens at 34 and 37 cm)."""

    breast_rate: float = 0.45
    """Bodies with breasts where the sex is not known; their size is drawn."""

    trachea_mm: tuple[float, float] = (6.5, 11.5)
    """Radius of the trachea, mm (Breatnach 1984: 10 to 25 mm across)."""

    ascending_aorta_mm: tuple[float, float] = (13.0, 20.0)
    """Radius of the ascending aorta, mm (Hager 2002: 31 mm across on average); the descending has 0.78 of it."""

    abdominal_aorta_mm: tuple[float, float] = (7.0, 12.0)
    """Radius of the abdominal aorta, mm (Rogers 2013: 15 to 22 mm across)."""

    organ_scale: tuple[float, float] = (0.85, 1.17)
    """Length of organs over their usual one: volumes from 0.6 to 1.6 (Geraghty 2004)."""

    calcified_rate: float = 0.45
    """Bodies with calcified artery walls: about half of adults screened (Allison 2004)."""

    contrast_rate: float = 0.2
    """Bodies with contrast agent in stomach and bowel."""

    effusion_rate: float = 0.12
    """Bodies with fluid behind a lung, 5 to 40 mm deep."""

    opacity_rate: float = 0.2
    """Bodies with consolidated parts of a lung."""

    ascites_rate: float = 0.06
    """Bodies with free fluid in the belly."""

    tube_rate: float = 0.15
    """Bodies with a catheter in the upper vena cava; half as many have a tube in the stomach, and in the trachea."""

    wire_rate: float = 0.25
    """Bodies with ECG wires and electrodes on the chest."""

    pacemaker_rate: float = 0.03
    """Bodies with a pacemaker and its wires."""

    table_rate: float = 0.88
    """Bodies on a table; the others float, as where software has removed the table."""

    head_rest_rate: float = 0.4
    """Tables with a head rest, of those there are."""

    rail_rate: float = 0.35
    """Tables with thin dense rails or wires along them (a network once named them fingers)."""

    blanket_rate: float = 0.3
    """Bodies under a blanket or in clothes."""

    hip_stem_rate: float = 0.09
    """Hips with a stem, a nail or screws; each side for itself."""

    spine_screw_rate: float = 0.05
    """Bodies with pedicle screws and rods."""

    sternal_wire_rate: float = 0.05
    """Bodies with wires around the sternum."""

    shoulder_stem_rate: float = 0.015
    """Shoulders with a prosthesis; each side for itself."""

    filling_rate: float = 0.5
    """Bodies with fillings or crowns in their teeth."""

    plate_rate: float = 0.05
    """Bodies with a plate and screws on a long bone or a clavicle."""
