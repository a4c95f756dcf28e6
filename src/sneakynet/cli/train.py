"""``sneakynet train``: train a network on labelled scans."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from sneakynet.cohort.scan_scorer import score_scan
from sneakynet.errors import SettingError
from sneakynet.inference.device import resolve_device
from sneakynet.training.presets import DEFAULT, PRESETS
from sneakynet.training.processes import join
from sneakynet.training.run import CONFIG, train
from sneakynet.training.settings import TrainSettings, read_config
from sneakynet.viewer.training_page import training_page
from sneakynet.volumes.atomic import write_whole


@dataclass(frozen=True)
class TrainCommand:
    """Train a network; a run is resumed or repeated from its own settings."""

    dataset: tyro.conf.Positional[Annotated[Path | None, tyro.conf.arg(metavar="[DATASET]")]] = None
    """Folder in nnU-Net's raw layout (dataset.json, imagesTr, labelsTr), in that of TotalSegmentator's dataset, or of
    bodies (bodies.json); or a JSON file that lists cases as MONAI does."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Folder of the run."""
    resume: bool = False
    """Go on from the checkpoint in the run's folder, with the run's own settings."""
    preset: Literal["default", "paper"] = "default"
    """default: what measured best, as the packaged weights were trained; paper: the paper's best network and its
    recipe. Options given beside it go before."""
    config: Path | None = None
    """Take the settings from this config.yaml; options given beside it go before."""
    quiet: bool = False
    """Show no progress."""
    settings: tyro.conf.OmitArgPrefixes[TrainSettings] = field(default_factory=TrainSettings)


def defaults(args: Sequence[str]) -> TrainCommand | None:
    """What the options are when they are not given: those of ``--config``, of the run resumed, or of ``--preset``.

    Raises:
        SettingError: two of them at once, or a file that cannot be read.
    """
    given = _given(args)
    others = [name for name in ("config", "resume") if name in given]
    if "preset" in given and others:
        msg = f"give --preset or --{others[0]}, not both: each says what all settings are"
        raise SettingError(msg)
    if not others:
        # Another name is refused with all that there are when the options are read.
        return TrainCommand(settings=PRESETS.get(given.get("preset", ""), DEFAULT))
    source = given.get("config")
    if source is None and given.get("output"):
        source = str(Path(given["output"]) / CONFIG)
        if not Path(source).is_file():
            return None  # `run` says that there is nothing to resume
    if source is None:
        return None
    dataset, settings = read_config(Path(source))
    return TrainCommand(dataset=dataset, settings=settings)


def run(command: TrainCommand) -> None:
    """Train.

    Raises:
        SettingError: no dataset or output is given, or settings that cannot be.
        SneakyNetError: see ``sneakynet.training.run.train``.
    """
    if command.output is None:
        msg = "give the folder of the run with -o RUN"
        raise SettingError(msg)
    if command.dataset is None and not command.settings.phantoms:
        msg = "give the dataset's folder: sneakynet train DATASET -o RUN; or train on phantoms: --phantoms N"
        raise SettingError(msg)
    with join(resolve_device(command.settings.device)) as processes:
        try:
            train(
                command.dataset,
                command.output,
                command.settings,
                device=processes,
                resume=command.resume,
                quiet=command.quiet,
                score_scan=partial(score_scan, precision=command.settings.precision),
            )
        finally:
            if processes.first:
                _report(command.output)


def _report(run: Path) -> None:
    """Of a run that has come to an end, whatever end."""
    if (run / "train.csv").is_file():
        with write_whole(run / "report.html") as part:
            part.write_text(training_page(run), encoding="utf-8")


def _given(args: Sequence[str]) -> dict[str, Any]:
    """The options that decide where defaults come from, read before all others."""
    names = {"--preset": "preset", "--config": "config", "-o": "output", "--output": "output", "--resume": "resume"}
    given: dict[str, Any] = {}
    for word, following in zip(args, [*args[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in names:
            given[names[name]] = value if equals else following
    return given
