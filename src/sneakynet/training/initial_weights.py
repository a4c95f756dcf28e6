"""A network that starts from weights trained before, on the same bones or on others."""

import logging
from dataclasses import replace
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

    Args:
        model: the fresh network.
        path: a weights file.
        table: the network's classes.

    Raises:
        WeightsError: the file is missing, damaged, or of another kind or version.
        SettingError: it holds another network, or shares no bone with the table.
    """
    start, header = load_weights(path)
    # The patch size decides what a network was shown, not what it is made of.
    same = replace(start.architecture, patch_size=model.architecture.patch_size, n_classes=model.architecture.n_classes)
    if same != model.architecture:
        wanted, found = model.architecture.to_dict(), start.architecture.to_dict()
        differing = ", ".join(
            f"{name} {found[name]}, not {wanted[name]}"
            for name in wanted
            if name not in {"patch_size", "n_classes"} and found[name] != wanted[name]
        )
        msg = f"{path} holds another network than these settings ask for: {differing}"
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
    own = model.state_dict()
    model.load_state_dict(
        {
            name: _rows(own[name], values, shared) if "head" in name.split(".") else values
            for name, values in start.state_dict().items()
        }
    )


def _rows(own: Tensor, others: Tensor, shared: dict[int, int]) -> Tensor:
    """``own`` with the rows of shared classes (own class -> other class) replaced."""
    rows = own.clone()
    rows[torch.tensor([*shared])] = others[torch.tensor([*shared.values()])].to(rows)
    return rows
