"""The articulated skeleton of the ``myo-sim`` package as named, closed surfaces that can be posed.

The source (Apache-2.0; bone geometry in part from OpenSim, CC BY 3.0) is read at run time; no mesh is copied here.
Its traps, and what is done about them:

- ribs are unnamed components of one mesh that also holds a chest logo: closed pieces of rib size, off the midline,
  numbered from the top by the height of their highest point;
- C1 to C7 are components of one mesh that also holds discs (small open pieces): numbered from the top;
- sternum and costal cartilage are one component: cut at 20 mm to either side of the midline;
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

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.surface import Surface, clipped, components, merged, watertight

MODEL = "myofullbody"
CARTILAGE = "costal_cartilage"
LOWER_LEG = ("r_tibia", "r_fibula", "l_tibia", "l_fibula")
"""Bones that a scan may show and the bone table does not hold: painted, never labelled."""

_RIBCAGE = "torso_geom_13_ribcage_s"
_CERVICAL = "hat_cervical"
_RIB_FACES = range(90, 201)
_STERNUM_HALF_WIDTH = 20.0  # mm
_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Part:
    """One bone (or cartilage) of the skeleton.

    Args:
        name: the bone's name in the table, or ``costal_cartilage``, or a mesh name of the lower leg.
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

    def _read_parts(self) -> Iterable[Part]:
        bones = {mesh: bone.name for bone in BoneTable.default() for mesh in bone.aliases.get("phantom", ())}
        for geom in range(self.model.ngeom):
            if self.model.geom_type[geom] != mujoco.mjtGeom.mjGEOM_MESH:
                continue
            mesh = self.model.mesh(int(self.model.geom_dataid[geom]))
            if mesh.name == _RIBCAGE:
                yield from self._ribcage(geom)
            elif mesh.name == _CERVICAL:
                yield from self._cervical(geom)
            else:
                # Spine meshes are stored as "<geom name>_<mesh name>".
                name = mesh.name.split("_geom_")[-1].split("_", 1)[-1] if "_geom_" in mesh.name else mesh.name
                if name in bones or name in LOWER_LEG:
                    yield Part(bones.get(name, name), geom, watertight(self._mesh(geom)))

    def _mesh(self, geom: int) -> Surface:
        mesh = self.model.mesh(int(self.model.geom_dataid[geom]))
        vertices = self.model.mesh_vert[mesh.vertadr[0] : mesh.vertadr[0] + mesh.vertnum[0]]
        faces = self.model.mesh_face[mesh.faceadr[0] : mesh.faceadr[0] + mesh.facenum[0]]
        return merged(Surface(vertices.astype(np.float64) * 1000, faces.astype(np.int64)))

    def _cervical(self, geom: int) -> Iterable[Part]:
        # The discs between them have at most 43 triangles, vertebrae at least 284.
        vertebrae = [piece for piece in components(self._mesh(geom)) if len(piece.faces) > 200]
        vertebrae.sort(key=lambda piece: -self._to_world(piece.vertices, geom)[:, 2].mean())
        return [Part(f"vertebrae_C{n}", geom, watertight(piece)) for n, piece in enumerate(vertebrae, start=1)]

    def _ribcage(self, geom: int) -> Iterable[Part]:
        pieces = components(self._mesh(geom))
        ribs = [piece for piece in pieces if len(piece.faces) in _RIB_FACES and piece.n_open_edges == 0]
        middle = float(np.mean([self._to_world(rib.vertices, geom)[:, 0].mean() for rib in ribs]))
        for side, sign in (("right", 1), ("left", -1)):
            own = [rib for rib in ribs if sign * (self._to_world(rib.vertices, geom)[:, 0].mean() - middle) > 0]
            own.sort(key=lambda rib: -self._to_world(rib.vertices, geom)[:, 2].max())
            for number, rib in enumerate(own, start=1):
                yield Part(f"rib_{side}_{number}", geom, rib)
        # Of the closed pieces only the breast plate is larger than a rib; the logo is open.
        plate = max((piece for piece in pieces if piece.n_open_edges == 0), key=lambda piece: len(piece.faces))
        # The plane is stated in the world and clipped in the geom's frame.
        rotation, origin = self._state.geom_xmat[geom].reshape(3, 3), self._state.geom_xpos[geom] * 1000
        right = rotation.T @ (np.array([1.0, 0, 0]) * _LPS_TO_RAS)
        centre = rotation.T @ (np.array([middle, 0, 0]) * _LPS_TO_RAS - origin)
        half = _STERNUM_HALF_WIDTH * right
        inner = clipped(plate, point=centre - half, normal=right)
        yield Part("sternum", geom, clipped(inner, point=centre + half, normal=-right))
        yield Part(f"{CARTILAGE}_right", geom, clipped(plate, point=centre + half, normal=right))
        yield Part(f"{CARTILAGE}_left", geom, clipped(plate, point=centre - half, normal=-right))


@cache
def skeleton() -> Skeleton:
    """The skeleton, read once per process (about 1.5 s)."""
    return Skeleton()
