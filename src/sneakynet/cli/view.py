"""``sneakynet view``: a scan and its bones in the browser."""

import multiprocessing
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

import tyro
from tyro.conf import Positional

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SettingError, SneakyNetError
from sneakynet.evaluation.translation import translate, translation_for, warn_of_unnamed
from sneakynet.viewer.browser.niivue import niivue_script
from sneakynet.viewer.browser.server import ViewServer
from sneakynet.viewer.browser.view_data import LIMIT, Layer, write_view
from sneakynet.viewer.browser.view_meshes import write_view_meshes
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume


@dataclass(frozen=True)
class ViewSettings:
    """What to show."""

    scan: Positional[Annotated[Path, tyro.conf.arg(metavar="SCAN")]]
    """CT scan: a NIfTI, NRRD or MetaImage file, a DICOM folder or zip."""
    labels: Positional[Annotated[Path | None, tyro.conf.arg(metavar="LABELS")]] = None
    """Label map of its bones."""
    reference: Path | None = None
    """Another label map of the same scan, to compare with."""
    labels_table: str | None = None
    """Whose labels they are: a scheme (totalsegmentator, verse) or a CSV file; by default the label names decide."""
    reference_table: str | None = None
    """The same for the reference."""
    table: Path | None = None
    """CSV file of another bone table, instead of the package's own."""
    series: str | None = None
    """Which DICOM series to show where there are several: its UID or number."""
    full: bool = False
    """Show every voxel of a scan of more than 64 million, too; takes 8 bytes of each from the graphics card."""
    surfaces: bool = True
    """Make surfaces for the 3D view; --no-surfaces leaves it empty."""
    port: int = 0
    """Port of 127.0.0.1; by default one that is free."""
    browser: bool = True
    """Open the page; --no-browser only prints its address."""


def run(settings: ViewSettings) -> None:
    """Show the scan until interrupted. The page's address goes to stdout.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: a file that cannot be shown, a port that is taken, or NiiVue that cannot be fetched.
    """
    if settings.labels is None and settings.reference is not None:
        msg = (
            f"--reference {settings.reference} has nothing to be compared with; give LABELS, too, or give it as LABELS"
        )
        raise SettingError(msg)
    niivue = niivue_script()
    table = BoneTable.default() if settings.table is None else BoneTable.read(settings.table)
    with _interrupted_by_term(), tempfile.TemporaryDirectory(prefix="sneakynet-view-") as name:
        folder = Path(name)
        with ViewServer(folder, niivue=niivue, port=settings.port) as server:
            _prepare(folder, settings, table)
            maker = multiprocessing.get_context("spawn").Process(target=_make_meshes, args=(folder, table), daemon=True)
            if settings.surfaces and settings.labels is not None:
                maker.start()
            print(server.url, flush=True)
            print("Ctrl-C ends it", file=sys.stderr)
            if settings.browser and not webbrowser.open(server.url):
                print("no browser could be opened; open the address yourself", file=sys.stderr)
            try:
                server.serve_forever()
            except KeyboardInterrupt:  # how it ends
                pass
            finally:
                if maker.is_alive():
                    maker.terminate()
                    maker.join()


def _prepare(folder: Path, settings: ViewSettings, table: BoneTable) -> None:
    """Read the files and write what the page shows."""
    maps = [
        (key, title, path, source)
        for key, title, path, source in (
            ("labels", "Labels", settings.labels, settings.labels_table),
            ("reference", "Reference", settings.reference, settings.reference_table),
        )
        if path is not None
    ]
    warn_of_unnamed([path for _, _, path, source in maps if source is None])
    layers = [Layer(key, title, path.name, _labels(path, source, table)) for key, title, path, source in maps]
    scan = read_volume(settings.scan, series=settings.series)
    limit = None if settings.full else LIMIT
    name = settings.scan.resolve().name
    manifest = write_view(
        folder,
        scan,
        layers,
        table=table,
        name=name,
        limit=limit,
        surfaces=settings.surfaces,
        remedy="--full shows all of it.",
    )
    for notice in manifest["notices"]:
        print(notice, file=sys.stderr)


def _labels(path: Path, source: str | None, table: BoneTable) -> Volume:
    labels = read_labels(path)
    translation = translation_for(path, table, source=source)
    return Volume(translate(labels.voxels, translation, path=path), labels.affine)


def _make_meshes(folder: Path, table: BoneTable) -> None:
    """What the process for the surfaces does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    try:
        write_view_meshes(folder, table=table)
    except SneakyNetError as error:  # the page says it, too
        print(f"warning: no surfaces: {error}", file=sys.stderr)


@contextmanager
def _interrupted_by_term() -> Iterator[None]:
    """Let a request to end do what Ctrl-C does, so that no patient's data stay in the temporary folder."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
