"""Bones and the table of them: the classes of every label map, network and evaluation.

A table is data (``bones.csv`` or a user's own file), never an enum in code: nothing here knows how many bones there
are. Label 0 is background and is not in the table.
"""

import colorsys
import csv
import difflib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Literal, cast

import numpy as np
from jaxtyping import Int64

from sneakynet.counted import counted
from sneakynet.errors import BoneTableError

Side = Literal["left", "right"]

MAX_ID = 65535
"""Label files hold 16-bit unsigned integers."""

_COLUMNS = ("id", "name", "side", "group", "series", "index", "mirror", "color", "snomed_code", "snomed_meaning")
_JSON_TYPES = {
    "id": int,
    "name": str,
    "side": str | None,
    "mirror": str | None,
    "group": str,
    "series": str | None,
    "index": int | None,
    "color": str,
    "snomed_code": str,
    "snomed_meaning": str,
    "aliases": dict,
}
_SIDES = ("left", "right", None)
_REQUIRED = ("id", "name")
_UNREADABLE = 0
_MOST_TOLD = 20  # a column in the wrong place makes a fault of every bone
_NAME = re.compile(r"[\w.-]+")  # names become file names and items of comma-separated options
_COLOR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True)
class Bone:
    """One class of a bone table.

    Args:
        id: label in a label map, 1 or more.
        name: unique in the table, as TotalSegmentator names the bone where it has it.
        side: the patient's side, or None for a bone of the midline.
        mirror: name of the same bone of the other side, or None.
        group: region that figures are summed up by (``ribs``, ``carpals``).
        series: bones of like shape that follow each other (``vertebra``, ``rib_left``), or None.
        index: place in the series, from 1 at its cranial or thumb end, or None.
        color: ``#rrggbb``.
        snomed_code: SNOMED CT concept; where none for the single bone could be verified, that of the bones it
            belongs to. Empty if a table does not say.
        snomed_meaning: the concept's meaning.
        aliases: scheme (``totalsegmentator``) -> the names and ids (as text) that the scheme has for this bone.
    """

    id: int
    name: str
    side: Side | None = None
    mirror: str | None = None
    group: str = ""
    series: str | None = None
    index: int | None = None
    color: str = "#c0c0c0"
    snomed_code: str = ""
    snomed_meaning: str = ""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class BoneTable:
    """The classes of a label map, in the order of their ids.

    Args:
        bones: ids 1, 2, 3 ... without a gap.

    Raises:
        BoneTableError: the bones contradict each other; the message lists every fault.
    """

    bones: tuple[Bone, ...]

    def __post_init__(self) -> None:
        _refuse(_faults(self.bones), "bone table")

    @classmethod
    def default(cls) -> "BoneTable":
        """The table that comes with the package."""
        return _packaged_table()

    @classmethod
    def read(cls, path: str | Path) -> "BoneTable":
        """Read a table from a CSV file.

        Args:
            path: a file with a header line. Columns ``id`` and ``name`` are needed; ``side``, ``group``, ``series``,
                ``index``, ``mirror``, ``color``, ``snomed_code`` and ``snomed_meaning`` may be missing or empty. Any
                other column holds aliases: ``<scheme>_id``, ``<scheme>_name`` or ``<scheme>``, several separated by
                ``;``.

        Returns:
            The table.

        Raises:
            BoneTableError: the file cannot be read or holds faults; the message lists all of them.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            msg = f"cannot read the bone table {path}: {reason}; give a CSV file with the columns id and name"
            raise BoneTableError(msg) from error
        return cls._parse(text, f"bone table {path}")

    @classmethod
    def from_json(cls, text: str) -> "BoneTable":
        """Rebuild a table from what ``to_json`` wrote.

        Args:
            text: a JSON list of objects.

        Returns:
            The table.

        Raises:
            BoneTableError: the text is not such a list, or its bones contradict each other.
        """
        try:
            bones = tuple(_bone_from_json(row) for row in json.loads(text))
        except (ValueError, TypeError) as error:
            msg = f"this is not a bone table in JSON ({error}); expected the text that BoneTable.to_json writes"
            raise BoneTableError(msg) from error
        return cls(bones)

    def to_json(self) -> str:
        """The whole table as compact JSON, for file headers; ``from_json`` gives back an equal table."""
        return json.dumps([asdict(bone) for bone in self.bones], separators=(",", ":"))

    def __len__(self) -> int:
        return len(self.bones)

    def __iter__(self) -> Iterator[Bone]:
        return iter(self.bones)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Bone:
        try:
            return self._by_name[name]
        except KeyError:
            close = difflib.get_close_matches(name, self._by_name, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else "`sneakynet bones` lists them"
            msg = f"no bone named {name!r} in a table of {counted(len(self), 'bone')}; {hint}"
            raise BoneTableError(msg) from None

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of ids."""
        return tuple(bone.name for bone in self.bones)

    @property
    def n_classes(self) -> int:
        """Classes of a network for this table: the bones and background."""
        return len(self.bones) + 1

    def by_id(self, bone_id: int) -> Bone:
        """The bone with a label.

        Args:
            bone_id: 1 to the number of bones.

        Returns:
            The bone.

        Raises:
            BoneTableError: no bone has this label (0 is background).
        """
        if not 1 <= bone_id <= len(self.bones):
            msg = f"label {bone_id} is not in the bone table; it holds 1 to {len(self.bones)} (0 is background)"
            raise BoneTableError(msg)
        return self.bones[bone_id - 1]

    def mirror_lut(self) -> Int64[np.ndarray, " n_classes"]:
        """For each label that of the mirror partner, or the label itself; label 0 stays 0."""
        lut = np.arange(self.n_classes, dtype=np.int64)
        for bone in self.bones:
            if bone.mirror is not None:
                lut[bone.id] = self[bone.mirror].id
        return lut

    @property
    def without_partner(self) -> tuple[str, ...]:
        """Bones of one side that have no mirror partner: mirrored, they would bear the name of the wrong side."""
        return tuple(bone.name for bone in self.bones if bone.side is not None and bone.mirror is None)

    @property
    def schemes(self) -> tuple[str, ...]:
        """Schemes that some bone has an alias in."""
        return tuple(dict.fromkeys(scheme for bone in self.bones for scheme in bone.aliases))

    def alias_lut(self, scheme: str) -> dict[int, int]:
        """Foreign label -> label of this table; a foreign label without an entry is no bone of this table.

        Args:
            scheme: such as ``totalsegmentator`` or ``verse``.

        Returns:
            The mapping, background not included.

        Raises:
            BoneTableError: the table knows no labels of that scheme.
        """
        lut = {int(alias): bone.id for bone in self.bones for alias in bone.aliases.get(scheme, ()) if alias.isdigit()}
        if not lut:
            known = [s for s in self.schemes if any(a.isdigit() for b in self.bones for a in b.aliases.get(s, ()))]
            msg = f"the bone table knows no labels of a scheme {scheme!r}; it knows: {', '.join(known) or 'none'}"
            raise BoneTableError(msg)
        return lut

    def find(self, name_or_alias: str) -> Bone | None:
        """The bone with this name, else the only one with this alias.

        Args:
            name_or_alias: a name, here or in another scheme (not a label: the same one means different bones).

        Returns:
            The bone; None if there is none, or if several share the alias.
        """
        if name_or_alias in self._by_name:
            return self._by_name[name_or_alias]
        found = [b for b in self.bones if any(name_or_alias in a for a in b.aliases.values())]
        return found[0] if len(found) == 1 and not name_or_alias.isdigit() else None

    @cached_property
    def _by_name(self) -> dict[str, Bone]:
        return {bone.name: bone for bone in self.bones}

    @classmethod
    def _parse(cls, text: str, source: str) -> "BoneTable":
        """Table from CSV text; every fault of the text is reported at once."""
        reader = csv.DictReader(text.splitlines(), strict=True)
        faults: list[str] = []
        bones: list[Bone] = []
        try:
            missing = [column for column in _REQUIRED if column not in (reader.fieldnames or ())]
            if missing:
                have = ", ".join(reader.fieldnames or ()) or "nothing"
                _refuse([f"no column {', '.join(missing)} in the first line, which holds: {have}"], source)
            for row in reader:
                bones.append(_bone(row, line=reader.line_num, faults=faults))
        except csv.Error as error:
            faults.append(f"line {reader.line_num}: not CSV: {error}")
        bones.sort(key=lambda bone: bone.id)  # the order of a file's lines is free
        _refuse(faults + _faults(bones), source)
        return cls(tuple(bones))


@cache
def _packaged_table() -> BoneTable:
    """The package's own table, read once: nothing in it can change."""
    text = files("sneakynet.anatomy").joinpath("bones.csv").read_text(encoding="utf-8")
    return BoneTable._parse(text, "bones.csv of the package")


def _bone(row: Mapping[str | None, str | None], *, line: int, faults: list[str]) -> Bone:
    """One CSV row as a bone (id ``_UNREADABLE`` if that cannot be read); adds to ``faults`` what cannot be read."""
    cells = {key: (value or "").strip() for key, value in row.items() if key is not None}
    if None in row:
        faults.append(f"line {line}: more cells than the first line has columns")
    numbers: dict[str, int | None] = {}
    for column in ("id", "index"):
        text = cells.get(column, "")
        numbers[column] = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
        if numbers[column] is None and (text or column == "id"):
            faults.append(f"line {line}: {column} {text!r} is not a whole number")
    side = cells.get("side") or None
    if side not in _SIDES:
        faults.append(f"line {line}: side {side!r} is none of left, right or empty")
        side = None
    aliases: dict[str, tuple[str, ...]] = {}
    for column, value in cells.items():
        if column not in _COLUMNS and value:
            scheme = re.sub(r"_(id|name)$", "", column)
            parts = tuple(part.strip() for part in value.split(";") if part.strip())
            aliases[scheme] = aliases.get(scheme, ()) + parts
    bone_id = numbers["id"]
    if bone_id == 0:
        bone_id = None
        faults.append(f"line {line}: id 0 is background and stands in no table")
    return Bone(
        id=_UNREADABLE if bone_id is None else bone_id,
        name=cells["name"],
        side=cast("Side | None", side),
        mirror=cells.get("mirror") or None,
        group=cells.get("group", ""),
        series=cells.get("series") or None,
        index=numbers["index"],
        color=cells.get("color", "").lower() or _color(bone_id or 0),
        snomed_code=cells.get("snomed_code", ""),
        snomed_meaning=cells.get("snomed_meaning", ""),
        aliases=aliases,
    )


def _bone_from_json(row: object) -> Bone:
    """One object of the JSON list as a bone; raises TypeError where it is none (JSON can hold anything)."""
    if not isinstance(row, dict) or row.keys() != _JSON_TYPES.keys():
        msg = f"each item needs exactly the keys {', '.join(_JSON_TYPES)}"
        raise TypeError(msg)
    for key, kind in _JSON_TYPES.items():
        if not isinstance(row[key], kind):
            msg = f"{key} cannot be {row[key]!r}"
            raise TypeError(msg)
    aliases = row["aliases"]
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in aliases.values()):
        msg = f"aliases cannot be {aliases!r}"
        raise TypeError(msg)
    if row["side"] not in _SIDES:
        msg = f"side cannot be {row['side']!r}"
        raise TypeError(msg)
    return Bone(**{**row, "aliases": {scheme: tuple(names) for scheme, names in aliases.items()}})


def _color(bone_id: int) -> str:
    """A colour for a bone whose table gives none; the golden angle keeps neighbours apart."""
    rgb = colorsys.hls_to_rgb(bone_id * 0.381966 % 1, 0.62, 0.6)
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)


def _faults(bones: Sequence[Bone]) -> list[str]:
    """What contradicts itself or each other in a table; empty if nothing does."""
    faults = [] if bones else ["it holds no bone"]
    faults += _id_faults([bone.id for bone in bones])
    by_name = {bone.name: bone for bone in bones}
    faults += [f"name {name!r} is given {n} times" for name, n in Counter(b.name for b in bones).items() if n > 1]
    places = Counter((bone.series, bone.index) for bone in bones if bone.series and bone.index)
    faults += [f"series {series!r} has {n} bones at index {index}" for (series, index), n in places.items() if n > 1]
    owners: dict[tuple[str, str], str] = {}
    for bone in bones:
        faults += _bone_faults(bone) + _mirror_faults(bone, by_name)
        for scheme, aliases in bone.aliases.items():
            for alias in filter(str.isdigit, aliases):
                owner = owners.setdefault((scheme, alias), bone.name)
                if owner != bone.name:
                    faults.append(f"{scheme} label {alias} is given to both {owner} and {bone.name}")
    return faults


def _id_faults(ids: list[int]) -> list[str]:
    """What is wrong with the ids together."""
    if _UNREADABLE in ids:
        return []  # already reported; without that id nothing can be said of the others
    faults = [f"id {i} is given {n} times" for i, n in Counter(ids).items() if n > 1]
    if max(ids, default=0) > MAX_ID:
        faults.append(f"id {max(ids)} is above {MAX_ID}, the most that a label file holds")
    elif gaps := sorted(set(range(1, max(ids, default=0) + 1)) - set(ids)):
        shown = ", ".join(map(str, gaps[:5])) + (" ..." if len(gaps) > 5 else "")
        faults.append(f"ids must run 1, 2, 3 ... without a gap; missing: {shown}")
    if ids != sorted(ids) or min(ids, default=1) < 1:
        faults.append(f"bones must stand in the order of their ids, from 1; got {ids[:5]} ...")
    return faults


def _bone_faults(bone: Bone) -> list[str]:
    """What is wrong with one bone by itself."""
    faults = []
    if not _NAME.fullmatch(bone.name):
        faults.append(f"name {bone.name!r} of id {bone.id} must be letters, digits, '_', '-' or '.'")
    if not _COLOR.fullmatch(bone.color):
        faults.append(f"{bone.name}: color {bone.color!r} is not of the form #rrggbb")
    if bone.snomed_code and not re.fullmatch(r"[1-9][0-9]{5,17}", bone.snomed_code):
        faults.append(f"{bone.name}: snomed_code {bone.snomed_code!r} is not a number of 6 to 18 digits")
    if (bone.series is None) != (bone.index is None):
        faults.append(f"{bone.name}: series and index come together; got {bone.series!r} and {bone.index!r}")
    if bone.index is not None and bone.index < 1:
        faults.append(f"{bone.name}: index {bone.index} must be 1 or more")
    return faults


def _mirror_faults(bone: Bone, by_name: Mapping[str, Bone]) -> list[str]:
    """What is wrong between a bone and its mirror partner."""
    if bone.mirror is None:
        return []
    partner = by_name.get(bone.mirror)
    if partner is None:
        return [f"{bone.name}: its mirror partner {bone.mirror!r} is not in the table"]
    if partner.mirror != bone.name:
        return [f"{bone.name}: its mirror partner {bone.mirror} has {partner.mirror!r} as partner, not {bone.name}"]
    if {bone.side, partner.side} != {"left", "right"}:
        return [f"{bone.name}: mirror partners lie left and right; {bone.mirror} is {partner.side}, this {bone.side}"]
    return []


def _refuse(faults: list[str], source: str) -> None:
    """Raise all faults in one error, which lists the first of them, or return if there are none."""
    if faults:
        more = len(faults) - _MOST_TOLD
        told = [*faults[:_MOST_TOLD], f"and {more} more"] if more > 0 else faults
        msg = f"{source}: {len(faults)} fault{'s' * (len(faults) > 1)}" + "".join(f"\n  - {fault}" for fault in told)
        raise BoneTableError(msg)
