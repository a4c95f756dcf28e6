"""The articulated skeleton of the ``myo-sim`` package as named, closed surfaces that can be posed.

The source (Apache-2.0; bone geometry in part from OpenSim, CC BY 3.0) is read at run time; no mesh is copied here.
Its traps, and what is done about them:

- ribs are unnamed components of one mesh that also holds a chest logo: closed pieces of rib size, off the midline,
  numbered from the top by the height of their highest point; then fitted to the spine (``rib_shape``);
- vertebrae are scaled copies of three meshes (C1 to C7 components of one, with discs between them): only their places
  are kept, their shapes come from ``vertebra_shape``;
- sternum and costal cartilage are one component: parted in ``breastbone``, which also parts off the manubrium;
- the sacrum ends in the coccyx and is solid: ``sacrum``; the hyoid is missing: ``hyoid``;
- left limbs mirror right ones: only the right ones are read;
- some bones have over 100 000 triangles: thinned, as every later step takes time for each;
- world coordinates are LPS metres: turned to RAS mm;
- joint couplings are not applied by ``mj_forward``: applied here from the model's polynomials.
"""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import mujoco
import myo_sim
import numpy as np
from scipy.spatial import cKDTree

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.breastbone import breastbone
from sneakynet.phantom.hyoid import hyoid
from sneakynet.phantom.rib_shape import fitted_rib
from sneakynet.phantom.sacrum import sacrum_and_coccyx
from sneakynet.phantom.surface import (
    Surface,
    clustered,
    components,
    grown,
    joined,
    largest,
    merged,
    mirrored,
    subdivided,
    thinned,
    watertight,
)
from sneakynet.phantom.vertebral_column import place_vertebrae, vertebra_surfaces

MODEL = "myofullbody"
CARTILAGE = "costal_cartilage"
LOWER_LEG = ("r_tibia", "r_fibula", "l_tibia", "l_fibula")
"""Bones that a scan may show and the bone table does not hold: painted, never labelled."""

_RIBCAGE = "torso_geom_13_ribcage_s"
_CERVICAL = "hat_cervical"
_RIB_FACES = range(90, 201)
_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])

_SKULL_CELL = 2.4  # mm
_DENSE = 30_000  # meshes of more triangles are clustered first, which is faster than thinning ...
_DENSE_CELL = 1.8  # ... mm; it takes 0.2 % of a hip bone and 2 % of a thin shoulder blade
_FACES = 6000  # of the largest bones after thinning
_FACES_SHARE = 4  # one triangle in so many is kept of dense meshes ...
_FEWEST_FACES = 900  # ... but not fewer than this
_COARSE = 1000  # meshes of fewer triangles show their facets: subdivided, and grown by what that takes off
_SUBDIVISION_LOSS = 0.8  # mm
_PATELLA = 0.86  # the source's is 51 mm wide: adults' 42 to 46 (Yoo et al., Knee Surg 15:756, 2007)
_JAW_SHIFT = np.array([0.0, 1.5, -3.0])  # mm: the source's jaw enters the skull at its joints and its teeth
# The source's hand has adult lengths and thin bones: mm added all round, which takes carpals to the volumes of a small
# adult hand (Crisco et al., J Hand Surg 30:830, 2005) and a fingertip to 4 mm of thickness at the least.
_HAND_GROWTH = {"carpals": 0.35, "metacarpals": 0.35, "phalanges": 0.45}


@dataclass(frozen=True, eq=False)
class Part:
    """One bone (or cartilage) of the skeleton.

    Args:
        name: the bone's name in the table, or ``costal_cartilage_<side>``, or a mesh name of the lower leg.
        geom: index of the MuJoCo geom that carries it.
        surface: closed surface in that geom's frame, mm.
    """

    name: str
    geom: int
    surface: Surface


class Skeleton:
    """Named closed surfaces on an articulated model."""

    def __init__(self) -> None:
        # MuJoCo reports the source's harmless naming remarks to a log file in the working folder.
        mujoco.set_mju_user_warning(lambda _message: None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model = myo_sim.load_model(MODEL)
        self._state = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, self._state)
        self.parts = tuple(self._read_parts())

    @property
    def joints(self) -> Mapping[str, tuple[float, float]]:
        """Name -> range (radians, or metres for slides) of every joint that is not coupled to another."""
        coupled = {self.model.joint(int(j)).name for j in self.model.eq_obj1id[self._couplings()]}
        limits = {self.model.joint(j).name: tuple(map(float, self.model.jnt_range[j])) for j in range(self.model.njnt)}
        return {name: (low, high) for name, (low, high) in limits.items() if name not in coupled and name != "root"}

    def posed(self, angles: Mapping[str, float]) -> dict[str, Surface]:
        """Surfaces in RAS mm for joint values by name (radians; joints not named stay at rest).

        Values are clipped to the joint's range; coupled joints follow.
        """
        model, state = self.model, self._state
        state.qpos[:] = model.qpos0
        for name, value in angles.items():
            joint = model.joint(name)
            state.qpos[joint.qposadr[0]] = np.clip(value, *joint.range)
        for e in self._couplings():
            driven, driver = int(model.eq_obj1id[e]), int(model.eq_obj2id[e])
            x = 0.0 if driver < 0 else self._displacement(driver)
            address = model.jnt_qposadr[driven]
            state.qpos[address] = model.qpos0[address] + np.polynomial.polynomial.polyval(x, model.eq_data[e, :5])
        mujoco.mj_forward(model, state)
        return {part.name: part.surface.moved(self._to_world(part.surface.vertices, part.geom)) for part in self.parts}

    def _displacement(self, joint: int) -> float:
        address = self.model.jnt_qposadr[joint]
        return float(self._state.qpos[address] - self.model.qpos0[address])

    def _couplings(self) -> np.ndarray:
        couplings: np.ndarray = np.flatnonzero(self.model.eq_type == mujoco.mjtEq.mjEQ_JOINT)
        return couplings

    def _to_world(self, vertices: np.ndarray, geom: int) -> np.ndarray:
        rotation, origin = self._state.geom_xmat[geom].reshape(3, 3), self._state.geom_xpos[geom]
        world: np.ndarray = (vertices @ rotation.T + origin * 1000) * _LPS_TO_RAS
        return world

    def _to_geom(self, world: np.ndarray, geom: int) -> np.ndarray:
        rotation, origin = self._state.geom_xmat[geom].reshape(3, 3), self._state.geom_xpos[geom]
        local: np.ndarray = (world * _LPS_TO_RAS - origin * 1000) @ rotation
        return local

    def _read_parts(self) -> Iterable[Part]:
        source = {name: (geom, surface) for name, geom, surface in self._source()}
        geoms = {name: geom for name, (geom, _) in source.items()}
        world = {name: surface for name, (_, surface) in source.items()}
        world |= dict(_remodelled_trunk(world))
        world["hip_right"] = _fuller_hip(world)
        geoms |= {name: geoms[carrier] for name, carrier in _CARRIERS.items()}
        for name, surface in world.items():
            if name != _PLATE:
                yield Part(name, geoms[name], surface.moved(self._to_geom(surface.vertices, geoms[name])))
        yield from self._left_limbs(world)

    def _left_limbs(self, world: Mapping[str, Surface]) -> Iterable[Part]:
        names = {bone.mirror: bone.name for bone in BoneTable.default() if bone.mirror and bone.side == "left"}
        names |= {name: f"l{name[1:]}" for name in LOWER_LEG if name.startswith("r")}
        geoms = {name: geom for geom, name in self._named_geoms()}
        right, left = (self._state.geom_xpos[geoms[f"humerus_{side}"]] for side in ("right", "left"))
        middle = float(right[0] + left[0]) * 1000 / 2 * _LPS_TO_RAS[0]
        for own, other in names.items():
            if own in world and other not in world:
                surface = mirrored(world[own], x=middle)
                yield Part(other, geoms[other], surface.moved(self._to_geom(surface.vertices, geoms[other])))

    def _named_geoms(self) -> Iterable[tuple[int, str]]:
        """Geoms that carry one bone, and its name; or a mesh of several, and the mesh's."""
        bones = {mesh: bone.name for bone in BoneTable.default() for mesh in bone.aliases.get("phantom", ())}
        for geom in range(self.model.ngeom):
            if self.model.geom_type[geom] != mujoco.mjtGeom.mjGEOM_MESH:
                continue
            mesh = self.model.mesh(int(self.model.geom_dataid[geom])).name
            if mesh in (_RIBCAGE, _CERVICAL):
                yield geom, mesh
                continue
            # Spine meshes are stored as "<geom name>_<mesh name>".
            name = mesh.split("_geom_")[-1].split("_", 1)[-1] if "_geom_" in mesh else mesh
            if name in bones or name in LOWER_LEG:
                yield geom, bones.get(name, name)

    def _source(self) -> Iterable[tuple[str, int, Surface]]:
        """Name, geom and surface (RAS mm) of every piece of the source that is used, left limbs excepted."""
        sides = {bone.name: bone.side for bone in BoneTable.default()}
        groups = {bone.name: bone.group for bone in BoneTable.default()}
        for geom, name in self._named_geoms():
            if sides.get(name) == "left" or name.startswith("l_"):
                continue
            surface = self._mesh(geom)
            if name == _RIBCAGE:
                yield from ((piece, geom, own) for piece, own in _ribcage(surface))
            elif name == _CERVICAL:
                # The discs between them have at most 43 triangles, vertebrae at least 284.
                pieces = [piece for piece in components(surface) if len(piece.faces) > 200]
                pieces.sort(key=lambda piece: -piece.vertices[:, 2].mean())
                yield from ((f"vertebrae_C{n}", geom, piece) for n, piece in enumerate(pieces, start=1))
            elif name.startswith("vertebrae") or name == "sacrum":
                yield name, geom, watertight(surface) if name == "sacrum" else surface
            else:
                yield name, geom, _cleaned(surface, name, groups.get(name, ""))

    def _mesh(self, geom: int) -> Surface:
        mesh = self.model.mesh(int(self.model.geom_dataid[geom]))
        vertices = self.model.mesh_vert[mesh.vertadr[0] : mesh.vertadr[0] + mesh.vertnum[0]]
        faces = self.model.mesh_face[mesh.faceadr[0] : mesh.faceadr[0] + mesh.facenum[0]]
        local = merged(Surface(vertices.astype(np.float64) * 1000, faces.astype(np.int64)))
        return local.moved(self._to_world(local.vertices, geom))


_PLATE = "breast_plate"
_CARRIERS = {
    "sternum": _PLATE,
    "manubrium": _PLATE,
    f"{CARTILAGE}_left": _PLATE,
    f"{CARTILAGE}_right": _PLATE,
    "coccyx": "sacrum",
    "hyoid": "vertebrae_C3",
}
"""What is made here, and the piece of the source with which it moves."""


def _cleaned(surface: Surface, name: str, group: str) -> Surface:
    surface = largest(watertight(surface))
    if name == "skull":
        return clustered(surface, cell=_SKULL_CELL)
    if len(surface.faces) < _COARSE and group not in _HAND_GROWTH:
        surface = grown(subdivided(surface), _SUBDIVISION_LOSS)
    faces = min(_FACES, max(_FEWEST_FACES, len(surface.faces) // _FACES_SHARE))
    if len(surface.faces) > _DENSE:
        surface = largest(clustered(surface, cell=_DENSE_CELL))
    surface = thinned(surface, faces=faces)
    if name.startswith("patella"):
        centre = surface.vertices.mean(0)
        surface = surface.moved(centre + _PATELLA * (surface.vertices - centre))
    if name == "mandible":
        surface = surface.moved(surface.vertices + _JAW_SHIFT)
    return grown(surface, _HAND_GROWTH[group]) if group in _HAND_GROWTH else surface


def _ribcage(surface: Surface) -> Iterable[tuple[str, Surface]]:
    pieces = [piece for piece in components(surface) if piece.n_open_edges == 0]
    ribs = [piece for piece in pieces if len(piece.faces) in _RIB_FACES]
    middle = float(np.mean([rib.vertices[:, 0].mean() for rib in ribs]))
    for side, sign in (("right", 1), ("left", -1)):
        own = [rib for rib in ribs if sign * (rib.vertices[:, 0].mean() - middle) > 0]
        own.sort(key=lambda rib: -rib.vertices[:, 2].max())
        for number, rib in enumerate(own, start=1):
            yield f"rib_{side}_{number}", rib
    # Of the closed pieces only the breast plate is larger than a rib; the logo is open.
    yield _PLATE, max(pieces, key=lambda piece: len(piece.faces))


def _remodelled_trunk(source: Mapping[str, Surface]) -> Iterable[tuple[str, Surface]]:
    """Spine, ribs, breastbone and hyoid made of the source's pieces (RAS mm)."""
    levels = [bone.name for bone in BoneTable.default() if bone.series == "vertebra" and bone.name != "vertebrae_C1"]
    centres = {name.removeprefix("vertebrae_"): _body_centre(source[name]) for name in levels}
    centres |= {level: centres[level] + (0.0, *shift) for level, shift in _LORDOSIS.items()}
    column = place_vertebrae(centres, top=_condyles(source["skull"], centres["C2"]))
    yield from vertebra_surfaces(column)
    placed = {vertebra.name: vertebra for vertebra in column}
    middle = float(placed["T6"].origin[0])
    hips = joined([source["hip_right"], mirrored(source["hip_right"], x=middle)])
    yield from zip(("sacrum", "coccyx"), sacrum_and_coccyx(source["sacrum"], placed["L5"], hips=hips), strict=True)
    for side in ("left", "right"):
        for n in range(1, 13):
            name = f"rib_{side}_{n}"
            yield name, fitted_rib(source[name], n, vertebra=placed[f"T{n}"])
    for name, surface in breastbone(source[_PLATE], middle=middle).items():
        yield name.replace("cartilage", CARTILAGE), surface
    bone = hyoid()
    yield "hyoid", bone.moved(bone.vertices + placed["C4"].origin + _HYOID_PLACE)


def _fuller_hip(world: Mapping[str, Surface]) -> Surface:
    """The source's hip bone, 287 ml at 1.76 m, as full as in CT masks of men (300 to 420 ml), but not at its joints."""
    hip = world["hip_right"]
    near = [world[name].vertices for name in ("sacrum", "coccyx", "vertebrae_L5", "femur_right")]
    away = cKDTree(np.concatenate(near)).query(hip.vertices)[0]
    away = np.minimum(away, 2 * np.abs(hip.vertices[:, 0] - world["vertebrae_T6"].vertices[:, 0].mean()))
    outwards = grown(hip, 1.0).vertices - hip.vertices
    return hip.moved(hip.vertices + outwards * np.clip(0.4 * (away - 2), 0, _HIP_GROWTH)[:, None])


_HIP_GROWTH = 1.4  # mm

_LORDOSIS = {
    "T11": (2.0, 0.0),
    "T12": (6.0, 0.0),
    "L1": (11.0, -1.8),
    "L2": (16.0, -3.7),
    "L3": (18.0, -5.6),
    "L4": (16.0, -7.4),
    "L5": (7.5, -9.2),
}
"""Mm to the front and up: the source's loin is straight below L3, where L4 leans forward by about 10 degrees and L5 by
20, onto a sacrum that slopes by 40 (Roussouly et al., Spine 30:346, 2005)."""

_HYOID_PLACE = np.array([0.0, 48.0, -7.0])
"""Mm from the middle of C4: below the jaw, with room for the throat between (Gray's Anatomy: at C3 to C4)."""


def _body_centre(vertebra: Surface) -> np.ndarray:
    """Between the middles of the two endplates of an upright vertebra: level triangles of its front part."""
    a, b, c = (vertebra.vertices[vertebra.faces[:, k]] for k in range(3))
    normals, middles = np.cross(b - a, c - a), (a + b + c) / 3
    areas = np.linalg.norm(normals, axis=1)
    low, high = vertebra.vertices.min(0), vertebra.vertices.max(0)
    centre = (low + high) / 2
    front = (middles[:, 1] > high[1] - 0.42 * (high[1] - low[1])) & (np.abs(middles[:, 0] - centre[0]) < 14)
    level = normals[:, 2] / np.maximum(areas, 1e-9)
    ends = [front & (level > 0.75), front & (level < -0.75)]
    low, high = (np.average(middles[end], axis=0, weights=areas[end]) for end in ends)
    centre = (low + high) / 2
    return np.asarray(centre)


def _condyles(skull: Surface, axis: np.ndarray) -> np.ndarray:
    """The lowest place of the skull above the side masses of the atlas, in the middle plane."""
    away = skull.vertices - axis
    near = (np.abs(np.abs(away[:, 0]) - 15) < 5) & (np.abs(away[:, 1] + 8) < 5) & (np.abs(away[:, 2]) < 60)
    return np.array([axis[0], axis[1], skull.vertices[near, 2].min()])


@cache
def skeleton() -> Skeleton:
    """The skeleton, read once per process (about 2 s)."""
    return Skeleton()
