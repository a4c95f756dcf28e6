"""What a network is made of: the arguments of its builder, checked once."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self, get_args

from sneakynet.errors import SettingError
from sneakynet.models.blocks import Norm
from sneakynet.models.crop_skip import HookSource, Variant, edge_multiple

MAX_CONTEXTS = 3
MAX_WIDTH = 1024


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Everything that decides a network's layers and sizes.

    Args:
        variant: A 3D U-Net, B HookNet, C MRN, D SneakyNet, E SneakyNet with the contexts' class scores added.
        n_classes: background included.
        patch_size: edge S of every network's input, in its own voxels.
        contexts: kappa of each context, ascending; a context's voxels are ``2**kappa`` target voxels wide.
        width: channels of level 0; level l has ``width * 2**l``.
        levels: levels M of each network.
        norm: normalisation after each convolution.
        hook_source: whether the context encoder's or the context decoder's maps cross to the target.

    Raises:
        SettingError: a value outside what is allowed, or sizes that would misalign; all faults in one message.
    """

    variant: Variant
    n_classes: int
    patch_size: int
    contexts: tuple[int, ...] = (1,)
    width: int = 16
    levels: int = 5
    norm: Norm = "instance"
    hook_source: HookSource = "encoder"

    def __post_init__(self) -> None:
        faults = [*self._value_faults()]
        faults = faults or [*self._context_faults(), *self._size_faults()]
        if faults:
            msg = "this network cannot be built: " + "; ".join(faults)
            raise SettingError(msg)

    def _value_faults(self) -> list[str]:
        faults = [
            f"{name} is one of {', '.join(get_args(choices))}, got {getattr(self, name)!r}"
            for name, choices in (("variant", Variant), ("norm", Norm), ("hook_source", HookSource))
            if getattr(self, name) not in get_args(choices)
        ]
        # The upper bounds lie far above any use; they keep a damaged file from asking for terabytes.
        for name, low, high in (
            ("n_classes", 2, 65_536),
            ("patch_size", 1, 4096),
            ("width", 1, MAX_WIDTH),
            ("levels", 2, 8),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                faults.append(f"{name} is a whole number from {low} to {high}, got {value!r}")
        if not isinstance(self.contexts, tuple) or not all(isinstance(kappa, int) for kappa in self.contexts):
            faults.append(f"contexts is a tuple of whole numbers, got {self.contexts!r}")
        return faults

    def _context_faults(self) -> list[str]:
        faults = []
        if self.variant == "A" and self.contexts:
            faults.append(f"variant A has no contexts, got {self.contexts}: pass contexts=()")
        if self.variant != "A" and not self.contexts:
            faults.append(
                f"variant {self.variant} has 1 to {MAX_CONTEXTS} contexts, got none: a network without is variant A"
            )
        if list(self.contexts) != sorted({*self.contexts} & set(range(1, MAX_CONTEXTS + 1))):
            faults.append(f"contexts are some of 1, 2, 3 (scales 2, 4, 8), each once, ascending, got {self.contexts}")
        elif self.contexts and self.contexts[-1] > self.levels - 1:
            faults.append(
                f"a context at scale 2**{self.contexts[-1]} enters {self.contexts[-1]} levels lower, so kappa is at "
                f"most levels - 1 = {self.levels - 1}: take more levels or smaller contexts"
            )
        if self.variant == "C" and self.hook_source == "decoder":
            faults.append(
                "variant C's contexts have no decoder to hook: take hook_source='encoder', or variant B, D or E"
            )
        return faults

    def _size_faults(self) -> list[str]:
        fault = edge_fault(self.patch_size, levels=self.levels, contexts=self.contexts)
        if fault:
            return [f"patch_size {self.patch_size}: {fault}"]
        if self.norm == "instance" and self.patch_size < 2**self.levels:
            return [
                f"patch_size {self.patch_size} leaves one voxel at level {self.levels - 1}, of which instance "
                f"normalisation makes nothing: take at least {2**self.levels}, fewer levels or another norm"
            ]
        return []

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON; :meth:`from_dict` reads them."""
        return {**asdict(self), "contexts": list(self.contexts)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` made.

        Raises:
            SettingError: a key is unknown or missing, or a value is not allowed.
        """
        known = {field.name for field in fields(cls)}
        faults = [f"unknown key {key!r}" for key in sorted({*values} - known)]
        faults += [f"missing key {key!r}" for key in sorted(known - {*values})]
        if faults:
            msg = "this network cannot be built: " + "; ".join(faults)
            raise SettingError(msg)
        contexts = values["contexts"]
        return cls(**{**values, "contexts": tuple(contexts) if isinstance(contexts, list) else contexts})


def edge_fault(edge: int, *, levels: int, contexts: tuple[int, ...]) -> str | None:
    """Say why a patch edge does not fit, or None where it does."""
    multiple = edge_multiple(levels=levels, contexts=contexts)
    if edge % multiple == 0 and edge > 0:
        return None
    lower, upper = edge // multiple * multiple, (edge // multiple + 1) * multiple
    rule = (
        f"crop-skips into the bottleneck of {levels} levels need an edge S with S % 2**{levels} == 0, or the centre "
        f"of the deepest map starts off a whole cell (rule r_C * 2**l_C == r_T * 2**l_T)"
        if contexts
        else f"{levels} levels need an edge S with S % 2**{levels - 1} == 0"
    )
    return f"{rule}; the nearest that fit are {f'{lower} and ' if lower else ''}{upper}"
