"""A network that starts from weights trained before, on the same bones or on others, with as many contexts or fewer."""

import logging
from pathlib import Path

import torch
from torch import Tensor

from sneakynet.anatomy.bone import BoneTable
from sneakynet.counted import counted
from sneakynet.errors import SettingError
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import load_weights

_LOG = logging.getLogger(__name__)


def start_from(model: SneakyNet, path: Path, *, table: BoneTable) -> None:
    """Give a fresh network the weights of a file, in place.

    What scores a class (a row of each head) goes to the class of the same name; background to background. Classes that
    the file does not know keep their fresh rows.

    Contexts beyond the file's start as its widest one, without its head, and the target reads nothing of them yet: at
    first the network answers as the file's does.

    Args:
        model: the fresh network.
        path: a weights file.
        table: the network's classes.

    Raises:
        WeightsError: the file is missing, damaged, or of another kind or version.
        SettingError: it holds another network, or shares no bone with the table.
    """
    start, header = load_weights(path)
    known, contexts = start.architecture.contexts, model.architecture.contexts
    grows = 0 < len(known) < len(contexts) and known == contexts[: len(known)]
    # The patch size decides what a network was shown, not what it is made of.
    free = {"patch_size", "n_classes"} | ({"contexts"} if grows else set())
    wanted, found = model.architecture.to_dict(), start.architecture.to_dict()
    differing = [
        f"{name} {found[name]}, not {wanted[name]}" for name in wanted.keys() - free if found[name] != wanted[name]
    ]
    if differing:
        msg = f"{path} holds another network than these settings ask for: {', '.join(sorted(differing))}"
        raise SettingError(msg)
    shared = {0: 0} | {bone.id: header.table[bone.name].id for bone in table if bone.name in header.table}
    if len(shared) == 1:
        msg = (
            f"{path} knows none of the {counted(len(table), 'bone')} of this table; start from fresh weights, or give "
            "its --table"
        )
        raise SettingError(msg)
    fresh = sorted(bone.name for bone in table if bone.id not in shared)
    if fresh:
        shown = ", ".join(fresh[:8]) + (" ..." if len(fresh) > 8 else "")
        bones = counted(len(table), "bone")
        _LOG.warning("%s knows %d of %s; these start afresh: %s", path, len(shared) - 1, bones, shown)
    own, others = model.state_dict(), start.state_dict()
    fresh_contexts = [f"contexts.{number}." for number in range(len(known), len(contexts))]
    filled = {}
    for name, values in own.items():
        part = next((part for part in fresh_contexts if name.startswith(part)), None)
        source = name if part is None else name.replace(part, f"contexts.{len(known) - 1}.", 1)
        if "head" not in name.split("."):
            filled[name] = _columns(values, others[source])
        else:
            filled[name] = torch.zeros_like(values) if part else _rows(values, others[source], shared)
    model.load_state_dict(filled)


def _columns(own: Tensor, others: Tensor) -> Tensor:
    """``others``, and zeros where ``own`` is larger: what comes from added contexts is read last, along one axis."""
    grown = torch.zeros_like(own)
    grown[tuple(slice(edge) for edge in others.shape)] = others.to(grown)
    return grown


def _rows(own: Tensor, others: Tensor, shared: dict[int, int]) -> Tensor:
    """``own`` with the rows of shared classes (own class -> other class) replaced."""
    rows = own.clone()
    rows[torch.tensor([*shared])] = others[torch.tensor([*shared.values()])].to(rows)
    return rows
