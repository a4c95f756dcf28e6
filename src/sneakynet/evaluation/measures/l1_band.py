"""Where the first lumbar vertebra stands among thresholds for osteoporosis.

Pickhardt et al., "Opportunistic screening for osteoporosis using abdominal computed tomography scans obtained for other
indications", Annals of Internal Medicine 158 (2013) 588-595, on 1867 adults at 120 kVp: at most 160 HU have 90 in 100
of those with osteoporosis by DXA; 135 HU balances sensitivity and specificity; of those below 100 HU two thirds or more
have it. They took an oval within the vertebral body; here it is all of the vertebra's inside. No phantom calibrates the
scanner: a hint, no diagnosis.
"""

BONE = "vertebrae_L1"
THRESHOLDS_HU = (100, 135, 160)


def l1_band(name: str, trabecular_hu: float | None) -> str | None:
    """The band that a density lies in: ``<=100``, ``<=135``, ``<=160`` or ``>160`` HU; None for another bone.

    Args:
        name: of the bone.
        trabecular_hu: mean of its inside; None where there is too little of it.
    """
    if name != BONE or trabecular_hu is None:
        return None
    return next((f"<={limit}" for limit in THRESHOLDS_HU if trabecular_hu <= limit), f">{THRESHOLDS_HU[-1]}")
