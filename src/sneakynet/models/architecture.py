"""What a network is made of: the arguments of its builder, checked once."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

from sneakynet.errors import SettingError
from sneakynet.models.blocks import Norm
from sneakynet.models.crop_skip import CropSkip, HookSource, Variant, crop_skips, edge_multiple

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
        hook_source: whether the context encoder's maps cross to the target, its decoder's, or both.

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
        _refuse(_faults(vars(self)))

    @property
    def needs_context_decoders(self) -> bool:
        """Whether the target reads what context decoders give (decoder crop-skips, variant E)."""
        return bool(self.contexts) and (self.variant == "E" or self.hook_source != "encoder")

    @property
    def crop_skips(self) -> tuple[CropSkip, ...]:
        """Every crossing, by context and then by level."""
        return crop_skips(self.variant, levels=self.levels, contexts=self.contexts, hook_source=self.hook_source)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON; :meth:`from_dict` reads them."""
        return {**asdict(self), "contexts": list(self.contexts)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Architecture":
        """Read what :meth:`to_dict` made.

        Raises:
            SettingError: a key is unknown or missing, or a value is not allowed.
        """
        known = {field.name for field in fields(cls)}
        faults = [f"unknown key {key!r}" for key in sorted({*values} - known)]
        faults += [f"missing key {key!r}" for key in sorted(known - {*values})]
        _refuse(faults)
        contexts = values["contexts"]
        arguments = {**values, "contexts": tuple(contexts) if isinstance(contexts, list) else contexts}
        _refuse(_faults(arguments))  # a file's values may be of any type
        return cls(**arguments)


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


def _refuse(faults: list[str]) -> None:
    if faults:
        msg = "this network cannot be built: " + "; ".join(faults)
        raise SettingError(msg)


def _faults(values: Mapping[str, Any]) -> list[str]:
    """What is wrong with the arguments; how they fit together is only asked once each is sound."""
    return _value_faults(values) or [*_context_faults(values), *_size_faults(values)]


def _value_faults(values: Mapping[str, Any]) -> list[str]:
    faults = [
        f"{name} is one of {', '.join(get_args(choices))}, got {values[name]!r}"
        for name, choices in (("variant", Variant), ("norm", Norm), ("hook_source", HookSource))
        if values[name] not in get_args(choices)
    ]
    # The upper bounds lie far above any use; they keep a damaged file from asking for terabytes.
    for name, low, high in (
        ("n_classes", 2, 65_536),
        ("patch_size", 1, 4096),
        ("width", 1, MAX_WIDTH),
        ("levels", 2, 8),
    ):
        value = values[name]
        if type(value) is not int or not low <= value <= high:
            faults.append(f"{name} is a whole number from {low} to {high}, got {value!r}")
    contexts = values["contexts"]
    if not isinstance(contexts, tuple) or not all(type(kappa) is int for kappa in contexts):
        faults.append(f"contexts is a tuple of whole numbers, got {contexts!r}")
    return faults


def _context_faults(values: Mapping[str, Any]) -> list[str]:
    variant, contexts, levels = values["variant"], values["contexts"], values["levels"]
    faults = []
    if variant == "A" and contexts:
        faults.append(f"variant A has no contexts, got {contexts}: pass contexts=()")
    if variant != "A" and not contexts:
        faults.append(f"variant {variant} has 1 to {MAX_CONTEXTS} contexts, got none: a network without is variant A")
    if list(contexts) != sorted({*contexts} & set(range(1, MAX_CONTEXTS + 1))):
        faults.append(f"contexts are some of 1, 2, 3 (scales 2, 4, 8), each once, ascending, got {contexts}")
    elif contexts and contexts[-1] > levels - 1:
        faults.append(
            f"a context at scale 2**{contexts[-1]} enters {contexts[-1]} levels lower, so kappa is at "
            f"most levels - 1 = {levels - 1}: take more levels or smaller contexts"
        )
    if variant == "C" and values["hook_source"] != "encoder":
        faults.append("variant C's contexts have no decoder to hook: take hook_source='encoder', or variant B, D or E")
    return faults


def _size_faults(values: Mapping[str, Any]) -> list[str]:
    edge, levels = values["patch_size"], values["levels"]
    fault = edge_fault(edge, levels=levels, contexts=values["contexts"])
    if fault:
        return [f"patch_size {edge}: {fault}"]
    if values["norm"] == "instance" and edge < 2**levels:
        return [
            f"patch_size {edge} leaves one voxel at level {levels - 1}, of which instance normalisation makes "
            f"nothing: take at least {2**levels}, fewer levels or another norm"
        ]
    return []
