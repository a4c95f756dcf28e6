"""A real chest CT end to end with the default weights: as the command, and stage by stage."""

import json
from statistics import median

from inference.parts.large import segment
from inference.row import Row
from inference.runner import Workshop, python, say

_COMMAND = "sneakynet segment"


def rows(workshop: Workshop) -> list[Row]:
    """One row for the command, one per stage; a single one that says why where the scan is not at hand."""
    scan = workshop.chest / "ct.nii.gz"
    about = {"part": "chest", "precision": "auto", "contexts": 2}
    if not scan.is_file():
        return [Row(**about, method=_COMMAND, shape=(0, 0, 0), skipped=f"there is no {scan}")]
    commands, runs = [], []
    for repeat in range(workshop.repeats):
        say(f"chest: run {repeat + 1} of {workshop.repeats}")
        commands.append(segment(scan, device=workshop.device))
        runs.append(json.loads(python("-m", "inference.stages", str(scan), workshop.device).splitlines()[-1]))
    i, j, k = runs[0]["shape"]
    whole = Row(
        **about,
        method=_COMMAND,
        shape=(i, j, k),
        seconds=median(run.seconds for run in commands),
        peak_gib=median(run.peak_gib for run in commands),
        more={"bones": commands[0].bones, "all_seconds": [round(run.seconds, 2) for run in commands]},
    )
    stages = [
        Row(
            **about,
            method=same[0]["stage"],
            shape=(i, j, k),
            seconds=median(stage["seconds"] for stage in same),
            peak_gib=median(stage["peak_gib"] for stage in same),
        )
        for same in zip(*(run["stages"] for run in runs), strict=True)
    ]
    return [whole, *stages]
