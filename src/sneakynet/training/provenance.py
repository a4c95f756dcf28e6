"""What made a run: versions, the commit of the code, the data's fingerprint and the command line."""

import hashlib
import importlib.metadata
import platform
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sneakynet.data.case import Case
from sneakynet.training.processes import Processes
from sneakynet.training.settings import TrainSettings

_PACKAGES = ("sneakynet", "torch", "numpy", "scipy", "nibabel", "simpleitk")

# Voxels of a case that its fingerprint looks at, spread over the scan.
_LOOKED_AT = 4096


def made_by(
    dataset: Path | None, output: Path, settings: TrainSettings, cases: Sequence[Case], processes: Processes
) -> dict[str, Any]:
    """For ``config.yaml``. It names no folder of this machine."""
    return {
        "command": command_line(dataset, output, settings),
        "commit": commit(Path(__file__).parent),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in _PACKAGES},
        "device": str(processes.device),
        "processes": processes.count,
        "data_fingerprint": fingerprint(cases),
    }


def command_line(dataset: Path | None, output: Path, settings: TrainSettings) -> str:
    """The shortest one that asks for these settings; of paths it holds the last part."""
    words = ["sneakynet", "train", *([] if dataset is None else [dataset.resolve().name]), "-o", output.resolve().name]
    plain, defaults = settings.to_dict(), TrainSettings().to_dict()
    for name, value in plain.items():
        if value == defaults[name]:
            continue
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
            continue
        if isinstance(getattr(settings, name), Path):
            value = Path(value).name
        words += [f"--{option}", *map(str, value if isinstance(value, list) else [value])]
    return shlex.join(words)


def commit(folder: Path) -> str | None:
    """The commit that the code in a folder is of, with ``+ changes`` where it differs; None outside a repository."""
    try:
        # A folder that no commit holds, such as an installation's, says nothing about the repository around it.
        _git(folder, "ls-files", "--error-unmatch", ".")
        changed = _git(folder, "status", "--porcelain", "--", "..")
        return _git(folder, "rev-parse", "HEAD") + (" + changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *words: str) -> str:
    ran = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=20)
    return ran.stdout.strip()


def fingerprint(cases: Sequence[Case]) -> str:
    """Differs where names, sizes, bones or intensities of the cases do; it looks at some voxels of each."""
    found = hashlib.sha256()
    for case in sorted(cases, key=lambda case: case.name):
        found.update(f"{case.name} {case.shape} {sorted(case.centres)}".encode())
        for level in (case.pyramid.scan[0], case.pyramid.labels[0]):
            voxels = level[:].flatten()
            voxels = voxels[:: max(1, len(voxels) // _LOOKED_AT)]
            found.update(np.ascontiguousarray(voxels.cpu().numpy()).tobytes())
    return found.hexdigest()[:16]
