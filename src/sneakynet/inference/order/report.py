"""What was renamed to agree with the order of anatomy, as it stands in a case's record."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Renamed:
    """Voxels of one name that got another.

    Args:
        before: the name that the network gave.
        after: the new one.
        volume_ml: millilitres.
    """

    before: str
    after: str
    volume_ml: float


@dataclass(frozen=True)
class OrderReport:
    """What was done, and what was left alone because the evidence was thin.

    Args:
        renamed: the changes, the largest first.
        doubtful: names of vertebrae and ribs that the order contradicts, but not clearly enough to change them.
        vertebrae: names from the top, as they were read along the column.
        margins: per run of vertebrae with other names than the network's, from the top, by how much a reading without
            them is less likely, as a logarithm.
    """

    renamed: tuple[Renamed, ...] = ()
    doubtful: tuple[str, ...] = ()
    vertebrae: tuple[str, ...] = ()
    margins: tuple[float, ...] = ()

    @property
    def told(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.renamed or self.doubtful)

    @property
    def summary(self) -> str:
        """One line for people."""
        said = []
        if self.renamed:
            changes = ", ".join(f"{one.before} -> {one.after} ({one.volume_ml:.1f} ml)" for one in self.renamed[:4])
            more = f" and {len(self.renamed) - 4} more" if len(self.renamed) > 4 else ""
            said.append(f"renamed {changes}{more}")
        if self.doubtful:
            said.append(f"left as they are, but doubtful: {', '.join(self.doubtful)}")
        return "; ".join(said) or "all names are in order"

    def to_dict(self) -> dict[str, object]:
        """All of it as plain JSON values."""
        return {
            "summary": self.summary,
            "renamed": [asdict(one) for one in self.renamed],
            "doubtful": list(self.doubtful),
            "vertebrae": list(self.vertebrae),
            "margins": [round(margin, 2) for margin in self.margins],
        }
