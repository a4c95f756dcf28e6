"""Organs of the abdomen and the pelvis, the fat between them and the vessels behind them."""

import numpy as np

from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.chest import Cavity
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.outline import Build, Section, section
from sneakynet.phantom.tissue_settings import TissueSettings

_SOFT = ("visceral_fat", "bowel", "bowel_contrast", "gas", "stomach", "organ", "csf")
_SIDES = ((1.0, "right"), (-1.0, "left"))


def lay_abdomen(
    canvas: Canvas,
    cavity: Cavity,
    marks: Landmarks,
    *,
    tube: Section,
    build: Build,
    settings: TissueSettings,
    rng: np.random.Generator,
) -> None:
    """Everything between diaphragm, belly wall and pelvic floor."""
    region = cavity.region
    if region.empty:
        return
    x, y, z = region.nodes
    sx, sy = (v.astype(np.float32) for v in marks.spine(z))
    radius, where = tube.locate(x, y, z)
    wall = radius - tube.at(tube.radii, where) + np.float32(rng.uniform(5, 9))
    hips = marks.points("hip")
    floor, crest = float(hips[:, 2].min()) + 28, float(np.quantile(hips[:, 2], 0.95))
    bowl = section(np.concatenate([hips, marks.points("sacrum", "coccyx")]), axis=tube.axis, z0=tube.z0, inner=True)
    inner = radius - tube.at(bowl.radii, where) + np.float32(rng.uniform(9, 14))
    inner -= np.maximum(z - np.float32(crest - 30), 0) * 1.5
    behind = sy - np.float32(rng.uniform(10, 18)) - y
    back = np.maximum(sy + 24 - y - 0.5 * np.maximum(np.abs(x - sx) - 20, 0), behind)
    space = np.maximum.reduce([wall, np.where(z < crest, inner, wall), cavity.above, np.float32(floor) - z, back])
    ribs = np.where(cavity.above < -60, wall, np.maximum(wall, cavity.wall))
    space = np.maximum(space, ribs) + region.noise(rng, 50.0) * np.float32(2)
    inside = region.below(space)
    canvas.lay("visceral_fat", inside, region.box)
    _bowel(canvas, cavity, marks, space=space, build=build, rng=rng)
    _colon(canvas, marks, tube, rng)
    if rng.random() < settings.contrast_rate:
        _contrast(canvas, cavity, rng)
    if rng.random() < settings.ascites_rate:
        pool = space + np.float32(rng.uniform(4, 20))
        canvas.lay("csf", inside & ~region.below(pool), region.box, over=("visceral_fat",))
    _upper_organs(canvas, cavity, marks, space=space, settings=settings, rng=rng)
    _kidneys(canvas, marks, settings, rng)
    _pelvic_organs(canvas, marks, rng)
    _muscles(canvas, marks, build, rng)
    _vessels(canvas, marks, settings, rng)


def _bowel(
    canvas: Canvas, cavity: Cavity, marks: Landmarks, *, space: np.ndarray, build: Build, rng: np.random.Generator
) -> None:
    """Loops of the small bowel: tubes and blobs of smooth noise, mostly low and in front."""
    region = cavity.region
    _, y, z = region.nodes
    _, sy = marks.spine(z)
    loops = region.noise(rng, 30.0) + 0.6 * region.noise(rng, 16.0)
    # Obese bellies hold fat between few loops, lean ones nothing but loops.
    filled = 0.42 - 0.006 * build.fat - 1.1 * build.visceral + rng.normal(0, 0.25)
    place = np.clip((y - sy.astype(np.float32) - 25) / 25, -2, 0.4) - np.clip(
        (z - np.float32(marks.level("L2"))) / 40, 0, 3
    )
    loops += np.float32(filled) + place - np.clip(space + 10, 0, None) * np.float32(0.1)
    fine = region.fine(loops)
    # Fat lies between neighbouring loops, too.
    between = np.abs(region.fine(region.noise(rng, 24.0))) < np.float32(0.12 + 0.16 * build.visceral)
    canvas.lay("bowel", (fine > 0) & ~between, region.box, over=("visceral_fat",))
    gas = (
        region.noise(rng, 24.0) + np.clip((y - sy.astype(np.float32)) / 90, 0, 1.2) - np.float32(rng.uniform(1.9, 3.0))
    )
    canvas.lay("gas", (fine > 0.35) & (region.fine(gas) > 0), region.box, over=("bowel",))


def _colon(canvas: Canvas, marks: Landmarks, tube: Section, rng: np.random.Generator) -> None:
    """The frame of the large bowel: fat, wall, and stool or gas, the gas in front."""
    wide = {
        level: float(np.interp(marks.level(level), tube.heights(), tube.radii[:, [0, 36]].mean(1)))
        for level in ("L4", "L2", "L1")
    }
    front = {
        level: float(np.interp(marks.level(level), tube.heights(), tube.radii[:, 18])) for level in ("L3", "L2", "L5")
    }
    centre = {
        level: float(np.interp(marks.level(level), tube.heights(), tube.axis[:, 1]))
        for level in ("L4", "L3", "L2", "L1", "L5")
    }

    def at(level: str, x: float, y: float) -> np.ndarray:
        point = marks.at(level, (x, 0.0, 0.0))
        point[1] = y
        return point + rng.normal(0, 6, 3)

    sag = rng.uniform(0, 1)
    low = "L3" if sag > 0.5 else "L2"
    path = [
        at("L5", 0.62 * wide["L4"], centre["L5"] + 15),
        at("L4", 0.72 * wide["L4"], centre["L4"] + 5),
        at("L2", 0.74 * wide["L2"], centre["L2"] + 2),
        at("L1", 0.62 * wide["L1"], centre["L1"] + 30),
        at(low, 0.3 * wide["L2"], centre[low] + front[low] - 38),
        at(low, -0.25 * wide["L2"], centre[low] + front[low] - 38),
        at("L1", -0.66 * wide["L1"], centre["L1"] + 25),
        at("L2", -0.76 * wide["L2"], centre["L2"] - 5),
        at("L4", -0.74 * wide["L4"], centre["L4"] - 5),
        at("L5", -0.6 * wide["L4"], centre["L5"] + 10),
        at("sacrum", -30.0, centre["L5"] + 5),
        at("sacrum", 15.0, centre["L5"] - 5),
    ]
    sacrum = marks.points("sacrum")
    floor = float(marks.points("hip")[:, 2].min())
    path += [
        np.array([float(sacrum[:, 0].mean()), float(np.median(sacrum[:, 1])) + 30, float(sacrum[:, 2].min()) + dz])
        for dz in (35.0, 5.0)
    ]
    path.append(np.array([float(sacrum[:, 0].mean()), float(np.median(sacrum[:, 1])) + 22, floor + 25]))
    thick = np.array([26, 25, 24, 24, 24, 23, 22, 17, 16, 15, 14, 14, 15, 17, 11]) * rng.uniform(0.75, 1.25)
    for n in range(len(path) - 1):
        steps = 4
        # The transverse colon lies in front, and gas rises.
        transverse = 3 <= n <= 6
        gassy, stool = rng.random() < (0.75 if transverse else 0.35), rng.random() < (0.35 if transverse else 0.5)
        flat = rng.uniform(-0.6, 0.4)
        for m in range(steps):
            start = path[n] + (path[n + 1] - path[n]) * m / steps
            end = path[n] + (path[n + 1] - path[n]) * (m + 1) / steps
            radius = float(thick[n]) * rng.uniform(0.78, 1.12)  # haustra
            found = canvas.rod_distance(start, end, (radius, radius * 0.95))
            if found is None:
                continue
            distance, box = found
            shape = distance.shape
            canvas.lay("bowel", distance < 0, box, over=_SOFT)
            content = distance < -2.5
            if stool:
                crumbs = rng.random(shape, dtype=np.float32) < 0.16
                canvas.lay("gas", content & crumbs, box, over=("bowel",))
            if gassy:
                height = canvas.grid.origin[1] + canvas.grid.spacing * np.arange(box[1].start, box[1].stop)
                level = float(canvas.frame.outward(path[n])[1]) + flat * float(thick[n])
                canvas.lay("gas", content & (height > level)[None, :, None], box, over=("bowel",))


def _contrast(canvas: Canvas, cavity: Cavity, rng: np.random.Generator) -> None:
    region = cavity.region
    drunk = region.noise(rng, 45.0) - np.float32(rng.uniform(-0.5, 1.2))
    canvas.lay("bowel_contrast", region.below(-drunk), region.box, over=("bowel",))


def _upper_organs(
    canvas: Canvas,
    cavity: Cavity,
    marks: Landmarks,
    *,
    space: np.ndarray,
    settings: TissueSettings,
    rng: np.random.Generator,
) -> None:
    region = cavity.region
    x, y, z = region.nodes
    sx, sy = (v.astype(np.float32) for v in marks.spine(z))
    dx, dy = x - sx, y - sy
    inner = np.maximum(space, cavity.above) + 2
    # Spleen: along the left wall, behind.
    size = marks.scale * rng.uniform(*settings.organ_scale)
    centre = marks.at("T11", (0.0, 0.0, rng.uniform(-14, 10)))
    half = _half_width(marks, centre[2])
    spot = centre + np.array([-(half - 46), 6.0, 0.0])
    spot[2] = min(spot[2], cavity.dome - 45)  # under the left dome, before the lung's lower edge
    spleen = np.sqrt(
        ((x - spot[0]) / (37 * size)) ** 2 + ((y - spot[1]) / (56 * size)) ** 2 + ((z - spot[2]) / (60 * size)) ** 2
    )
    spleen = np.maximum((spleen - 1) * 30, inner).astype(np.float32)
    # Stomach: left, in front, under the dome.
    spot = centre + np.array([-(half * 0.48), 62.0, 4.0])
    canvas.ball("stomach", spot, (rng.uniform(34, 52), rng.uniform(28, 42), rng.uniform(40, 60)), rough=rng, over=_SOFT)
    bend = marks.at("L1", (14.0, 64.0, rng.uniform(-10, 15)))
    canvas.rod(
        "stomach",
        [spot + np.array([10, 10, -25.0]), spot + np.array([40, 22, -42.0]), bend],
        (26.0, 22.0, 14.0),
        over=_SOFT,
    )
    if rng.random() < 0.75:
        region_, distance = canvas.ball_distance(spot, (38.0, 32.0, 46.0))
        if not region_.empty:
            height = region_.voxels[1] - np.float32(spot[1] + rng.uniform(-12, 28))
            canvas.lay("gas", (distance < -5) & (height > 0), region_.box, over=("stomach",))
    canvas.lay("spleen", region.below(spleen), region.box, over=_SOFT)
    # Liver: what lies under the right dome down to an edge that rises to the left.
    low = marks.level("L2") + rng.uniform(-60, 5)
    share = dx / np.float32(half)
    edge = np.interp(
        share,
        [-0.75, -0.45, 0.0, 0.4, 0.75],
        [marks.level("T9"), marks.level("T10"), marks.level("T12") - 12, marks.level("L1") - 15, low],
    ).astype(np.float32)
    reach = np.float32(rng.uniform(-0.75, -0.35))
    behind = 28 - dy - 60 * np.clip(share - 0.18, 0, 1) + 45 * np.clip(-share, 0, 1)  # spine, vena cava; stomach
    liver = np.maximum.reduce([inner, (edge - z) * 0.8, behind.astype(np.float32), (reach - share) * 60])
    liver = liver + region.noise(rng, 40.0) * np.float32(3)
    canvas.lay("liver", region.below(liver), region.box, over=(*_SOFT, "spleen"))
    middle = marks.at("T12", (38.0, 58.0, 0.0))
    for _ in range(14):  # portal and hepatic veins
        end = middle + rng.normal(0, 1, 3) * np.array([42, 28, 32])
        canvas.rod("vein", [middle + (end - middle) * 0.1, end], (4.5, 1.5), over=("liver",))
    if rng.random() < 0.75:
        gall = marks.at("L1", (half * 0.45, 78.0, rng.uniform(-10, 15)))
        canvas.ball(
            "csf", gall, (rng.uniform(10, 17), rng.uniform(12, 20), rng.uniform(16, 26)), over=("liver", *_SOFT)
        )
    head = marks.at("L2", (32.0, 48.0, 0.0))
    gland = [
        head,
        marks.at("L1", (18.0, 52.0, -8.0)),
        marks.at("L1", (-20.0, 46.0, 8.0)),
        marks.at("T12", (-62.0, 28.0, 5.0)),
    ]
    gland = [point + rng.normal(0, 3, 3) for point in gland]
    canvas.rod("pancreas", gland, (17.0, 13.0, 12.0, 10.0), over=_SOFT)
    canvas.rod(
        "bowel",
        [head + np.array([20, 4, 20.0]), head + np.array([22, 2, -22.0]), head + np.array([-20, -4, -30.0])],
        (13.0, 12.0, 11.0),
        over=_SOFT,
    )
    canvas.rod(
        "vein",
        [gland[1] - np.array([0, 8, 0]), gland[2] - np.array([0, 8, 0]), gland[3] - np.array([0, 6, 0])],
        (5.5, 4.5, 4.0),
        over=_SOFT,
    )


def _half_width(marks: Landmarks, z: float) -> float:
    ribs = marks.points("rib")
    return float(np.ptp(ribs[np.abs(ribs[:, 2] - z) < 40][:, 0])) / 2


def _kidneys(canvas: Canvas, marks: Landmarks, settings: TissueSettings, rng: np.random.Generator) -> None:
    for side, _ in _SIDES:
        size = marks.scale * rng.uniform(*settings.organ_scale)
        level = ("L1", "L2")[int(side > 0)]  # the right one lies lower
        centre = marks.at(level, (side * rng.uniform(56, 68), rng.uniform(-4, 8), rng.uniform(-12, 18)))
        long = np.array([side * -0.25, -0.2, 1.0])
        long /= np.linalg.norm(long)
        across = np.cross(long, [side * 0.6, -0.8, 0.0])
        across /= np.linalg.norm(across)
        axes = np.stack([np.cross(across, long), across, long], axis=1)
        if rng.random() < 0.02:
            continue
        canvas.ball("visceral_fat", centre, (40.0, 38.0, 66.0), axes=axes, over=_SOFT[1:])
        canvas.ball(
            "kidney",
            centre,
            (25 * size, 29 * size, 54 * size),
            axes=axes,
            rough=rng,
            over=(*_SOFT, "muscle", "liver", "spleen"),
        )
        hilum = centre + np.array([-side * 15 * size, 8 * size, 0])
        canvas.ball("visceral_fat", hilum, (12 * size, 10 * size, 25 * size), axes=axes, over=("kidney",))
        canvas.ball("csf", hilum, (5 * size, 4 * size, 9 * size), axes=axes, over=("visceral_fat", "kidney"))
        if rng.random() < 0.15:
            canvas.ball(
                "csf", centre + rng.normal(0, 22, 3), (rng.uniform(5, 22),) * 3, over=("kidney", "visceral_fat")
            )
        if rng.random() < 0.06:
            canvas.ball("calcification", hilum + rng.normal(0, 5, 3), (rng.uniform(1.5, 5),) * 3)
        gland = centre + 58 * size * long + np.array([-side * 12, 4, 0])
        canvas.ball("organ", gland, (10.0, 4.5, 11.0), over=("visceral_fat",))


def _pelvic_organs(canvas: Canvas, marks: Landmarks, rng: np.random.Generator) -> None:
    hips = marks.points("hip")
    middle = float((hips[:, 0].min() + hips[:, 0].max()) / 2)
    pubis = hips[np.abs(hips[:, 0] - middle) < 25]
    if not len(pubis):
        return
    top, behind = float(pubis[:, 2].max()), float(np.median(pubis[:, 1]))
    full = rng.uniform(0.5, 1.5) ** 0.8
    radii = (38 * full, 28 * full, 30 * full)
    centre = np.array([middle + rng.normal(0, 4), behind - 12 - radii[1], top + 0.75 * radii[2] - 8])
    soft = (*_SOFT, "muscle", "visceral_fat")
    if rng.random() < 0.5:  # prostate and seminal vesicles
        canvas.ball("organ", centre + np.array([0, -6, -radii[2] - 14.0]), (22.0, 17.0, 19.0), rough=rng, over=soft)
        canvas.ball("organ", centre + np.array([0, -radii[1] - 6.0, -radii[2] * 0.4]), (26.0, 7.0, 8.0), over=soft)
    else:  # uterus
        canvas.ball(
            "organ",
            centre + np.array([rng.normal(0, 8), -radii[1] - 18.0, 8.0]),
            (26.0, 20.0, 32.0),
            rough=rng,
            over=soft,
        )
        canvas.rod(
            "organ",
            [centre + np.array([0, -radii[1] - 10.0, -12.0]), centre + np.array([0, -radii[1] - 4.0, -55.0])],
            (14.0, 11.0),
            over=soft,
        )
    canvas.ball("organ", centre, tuple(r + 3 for r in radii), rough=None, over=soft)
    canvas.ball("bladder", centre, radii, over=(*soft, "organ"))


def _muscles(canvas: Canvas, marks: Landmarks, build: Build, rng: np.random.Generator) -> None:
    """Psoas and iliacus, which lie within the cavity."""
    soft = (*_SOFT, "kidney")
    thick = 13 + 0.9 * build.muscle
    for side, name in _SIDES:
        ends = marks.ends(f"femur_{name}")
        path = [
            marks.at(level, (side * dx, dy, 0.0))
            for level, dx, dy in (("L1", 24.0, -8.0), ("L3", 36.0, -4.0), ("L5", 50.0, 12.0))
        ]
        head = marks.ball(f"femur_{name}", f"hip_{name}")
        if ends is not None and head is not None:
            path.append(head + np.array([0.0, 30.0, 14.0]))
            path.append(ends[0] + 0.14 * (ends[1] - ends[0]) + np.array([-side * 10.0, 0.0, 0.0]))
        radii = (0.5 * thick, thick, 1.15 * thick, 0.9 * thick, 0.7 * thick)
        canvas.rod("muscle", path, radii[: len(path)], over=soft)
        crest = marks.points(f"hip_{name}")
        wing = crest[crest[:, 2] > np.quantile(crest[:, 2], 0.6)].mean(0)
        canvas.rod("muscle", [wing + np.array([-side * 14, 6, 10.0]), path[-1]], (15.0, 14.0), over=soft)


def _vessels(canvas: Canvas, marks: Landmarks, settings: TissueSettings, rng: np.random.Generator) -> None:
    soft = (*_SOFT, "muscle", "fat", "liver", "pancreas", "organ")
    aorta, vena = rng.uniform(*settings.abdominal_aorta_mm), rng.uniform(7, 12)
    calcified = rng.random() < settings.calcified_rate
    amount = rng.uniform(0.02, 0.3)

    def before(level: str, x: float, gap: float) -> np.ndarray:
        bodies = marks.bodies
        depth = float(np.interp(marks.level(level), bodies[:, 2], bodies[:, 4]))
        point: np.ndarray = marks.at(level, (x, depth + gap, 0.0)) + rng.normal(0, 1.5, 3)
        return point

    trunk = [
        before(level, x, aorta + 2)
        for level, x in (("T12", -6.0), ("L1", -6.0), ("L2", -8.0), ("L3", -9.0), ("L4", -5.0))
    ]
    veins = [
        before(level, x, gap)
        for level, x, gap in (("T9", 24.0, 14.0), ("T12", 22.0, 10.0), ("L2", 19.0, vena), ("L4", 16.0, vena))
    ]
    canvas.rod("vein", veins, [vena] * 4, over=soft)
    arteries = [(trunk, [aorta] * 4 + [0.9 * aorta])]
    for side, name in _SIDES:
        ends = marks.ends(f"femur_{name}")
        head = marks.ball(f"femur_{name}", f"hip_{name}")
        if ends is None or head is None:
            continue
        groin = head + np.array([-side * 2.0, 36.0, 12.0])
        thigh = 0.72 * ends[0] + 0.28 * ends[1] + np.array([-side * 22.0, 12.0, 0.0])
        path = [trunk[-1], before("L5", side * 22.0, 14.0), marks.at("sacrum", (side * 52.0, 38.0, 0.0)), groin, thigh]
        canvas.rod(
            "vein",
            [p + np.array([-side * 9, -7, 0.0]) for p in path],
            (vena * 0.8, vena * 0.75, 6.5, 6.5, 5.0),
            over=soft,
        )
        arteries.append((path, [0.65 * aorta, 0.6 * aorta, 5.0, 4.8, 4.0]))
    for level, x, y in (("T12", -4.0, 30.0), ("L1", 0.0, 34.0)):  # coeliac and mesenteric
        start = before(level, -5.0, aorta)
        canvas.rod(
            "artery",
            [start, start + np.array([x, y * 0.6, -8.0]), start + np.array([x, y, -38.0])],
            (3.5, 3.5, 3.0),
            over=soft,
        )
    for side, _ in _SIDES:  # renal
        end = marks.at("L1", (side * 50.0, 2.0, -8.0))
        canvas.rod("artery", [before("L1", -5.0, aorta), end], (3.0, 2.6), over=soft)
        canvas.rod("vein", [before("L1", 10.0, vena), end + np.array([0, 5, -3.0])], (4.5, 4.0), over=soft)
    for path, radii in arteries:
        canvas.rod("artery", path, radii, over=(*soft, "vein"))
        if calcified:
            _calcify(canvas, path, radii, amount, rng)


def _calcify(
    canvas: Canvas, path: list[np.ndarray], radii: list[float], amount: float, rng: np.random.Generator
) -> None:
    """Plaques in the wall, none so small that it falls between voxel centres."""
    least = 0.55 * canvas.grid.spacing
    for n in range(len(path) - 1):
        for _ in range(int(rng.poisson(amount * 14))):
            t = rng.random()
            way = path[n + 1] - path[n]
            out = np.cross(way, rng.normal(0, 1, 3))
            out /= np.linalg.norm(out) + 1e-9
            spot = path[n] + t * way + out * (radii[n] + t * (radii[n + 1] - radii[n]))
            size = np.maximum([rng.uniform(0.8, 2.5), rng.uniform(0.8, 2.5), rng.uniform(1, 5)], least)
            canvas.ball("calcification", spot, (float(size[0]), float(size[1]), float(size[2])))
