"""Which bones are taken for which, ordered so that it can be read: the matrix of the report page."""

from dataclasses import dataclass
from typing import Literal

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.evaluation.confusion import Kinds
from sneakynet.evaluation.contingency import Contingency

Kind = Literal["correct", "side", "neighbour", "group", "far", "missed", "invented"]

KINDS: dict[Kind, str] = {
    "correct": "correct",
    "side": "the other side",
    "neighbour": "neighbour in its series",
    "group": "another bone nearby",
    "far": "a bone of a group that does not adjoin",
    "missed": "bone called background",
    "invented": "background called bone",
}
"""Kinds of cells, and what they are called."""

BACKGROUND = "background"


@dataclass(frozen=True)
class Cell:
    """Voxels of one label that were given one label.

    Args:
        reference: id of the label in the reference.
        prediction: id in the prediction.
        voxels: how many, summed over cases.
        share: of the reference label's voxels, 0 to 1; where the reference is background, of the predicted label's.
        kind: what kind of mistake that is, if it is one.
    """

    reference: int
    prediction: int
    voxels: int
    share: float
    kind: Kind


def cells(counts: Contingency, table: BoneTable) -> tuple[Cell, ...]:
    """Every cell that holds a voxel, but for background that is called background.

    Args:
        counts: summed over cases.
        table: the bones behind the labels.

    Returns:
        Cells with the most voxels first.
    """
    by_reference, by_prediction, kinds = counts.sum(axis=1), counts.sum(axis=0), Kinds(table)
    found = []
    for reference, prediction in zip(*counts.nonzero(), strict=True):
        row, column = int(reference), int(prediction)
        if row == column == 0:
            continue
        voxels = int(counts[row, column])
        whole = int(by_reference[row] if row else by_prediction[column])
        found.append(Cell(row, column, voxels, voxels / whole, kind_of(row, column, kinds)))
    return tuple(sorted(found, key=lambda cell: (-cell.voxels, cell.reference, cell.prediction)))


def kind_of(reference: int, prediction: int, kinds: Kinds) -> Kind:
    """What it means to call one label the other.

    Args:
        reference: an id of the table, or 0; not 0 for both.
        prediction: the same.
        kinds: of confusion, as the figures count them.
    """
    if reference == prediction:
        return "correct"
    if not prediction:
        return "missed"
    if not reference:
        return "invented"
    if kinds.mirrored[reference, prediction]:
        return "side"
    if kinds.shifted[reference, prediction]:
        return "neighbour"
    return "far" if kinds.far[reference, prediction] else "group"


def matrix_order(found: tuple[Cell, ...], table: BoneTable) -> tuple[Bone, ...]:
    """The bones that some cell speaks of, the bones of a group beside each other, groups in the order of the ids."""
    seen = {cell.reference for cell in found} | {cell.prediction for cell in found}
    groups = {group: n for n, group in enumerate(dict.fromkeys(bone.group for bone in table))}
    return tuple(sorted((bone for bone in table if bone.id in seen), key=lambda bone: (groups[bone.group], bone.id)))


def matrix_data(found: tuple[Cell, ...], table: BoneTable) -> dict[str, object]:
    """The matrix for the page's script.

    Returns:
        ``names`` and ``groups`` by place, background last; ``cells`` as (place of reference, place of prediction,
        voxels, share, kind's number); ``kinds`` and their ``words``.
    """
    order = matrix_order(found, table)
    place = {bone.id: n for n, bone in enumerate(order)} | {0: len(order)}
    kinds = list(KINDS)
    return {
        "names": [bone.name for bone in order] + [BACKGROUND],
        "groups": [bone.group for bone in order] + [BACKGROUND],
        "cells": [
            [place[c.reference], place[c.prediction], c.voxels, float(f"{c.share:.4g}"), kinds.index(c.kind)]
            for c in found
        ],
        "kinds": kinds,
        "words": list(KINDS.values()),
    }
