"""``sneakynet serve``: a web page and a REST interface that take scans and give bones."""

import logging
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from sneakynet.cohort.case_options import CaseOptions
from sneakynet.cohort.model_choice import ModelChoice
from sneakynet.errors import SettingError, SneakyNetError
from sneakynet.inference.cleanup_settings import CleanupSettings, check_cleanup_settings
from sneakynet.inference.device import Precision
from sneakynet.inference.memory import parse_size
from sneakynet.inference.optional_package import optional_package
from sneakynet.server.crew import Crew, CrewSettings
from sneakynet.server.intake import Intake
from sneakynet.server.janitor import Janitor
from sneakynet.server.job_store import JobStore
from sneakynet.server.limits import Limits
from sneakynet.viewer.browser.niivue import niivue_script

_LEAST = {"workers": 1, "most_waiting": 1, "keep_hours": 0, "longest_minutes": 1, "dicom_quiet": 0}


@dataclass(frozen=True)
class ServeSettings:
    """Where to serve, who may come in, and how scans are worked on."""

    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for queue, scans and results; made if missing. What waits there is gone on with."""
    host: str = "127.0.0.1"
    """Address to listen at; by default this machine alone reaches it, any other needs a token of yours."""
    port: int = 8080
    """Port of page and REST interface; 0 takes a free one."""
    token: str | None = None
    """What users must know; seen by other users of this machine, so better in a file. By default one by chance."""
    token_file: Path | None = None
    """Text file with the token."""
    model: Annotated[Path, tyro.conf.arg(metavar="{default,fine}|PATH")] = Path("default")
    """What comes with sneakynet: default (3 mm), or fine (2 mm), better at hands and thin bones in three times as long;
    or a weights file, or a folder that `sneakynet export` wrote."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 ...; auto takes the first GPU if there is one."""
    precision: Precision = "auto"
    """Of the convolutions: f32, bf16, on a GPU also f16; auto takes bf16 on a GPU and on processors made for it."""
    threads: int | None = None
    """Of the processor, for each worker; by default as many as it has cores."""
    memory_limit: str | None = None
    """Memory that each worker may take, on a GPU the GPU's, such as 4G; by default what is at hand."""
    workers: int = 1
    """Scans that are worked on at the same time, each in a process with a model of its own."""
    mirror: bool = False
    """Also run the network with left and right exchanged, and average: twice the time."""
    order: bool = True
    """Rename vertebrae, ribs and sides that contradict the order in which everyone's bones follow each other; the
    page of a scan says what was renamed, and what is doubtful."""
    clean: CleanupSettings = field(default_factory=CleanupSettings)
    """What is done to the labels afterwards; off unless asked for."""
    no_preview: bool = False
    """Draw no pictures."""
    no_meshes: bool = False
    """Make no surfaces."""
    no_view: bool = False
    """Have no viewer on the pages of the scans."""
    no_report: bool = False
    """Write no reports."""
    keep_hours: float = 24.0
    """How long a scan and its results are kept after its work has ended."""
    upload_limit: str = "2G"
    """Largest request."""
    expanded_limit: str = "8G"
    """Most that a zip or gzip may hold, unpacked."""
    disk_limit: str = "100G"
    """Most that all scans and results may take; beyond it nothing is let in, and what waits gets no pictures and
    surfaces."""
    most_waiting: int = 100
    """Longest queue."""
    longest_minutes: float = 240.0
    """Time that a scan may take."""
    dicom_port: int | None = None
    """Also be a DICOM node on this port: CT series that are sent to it are segmented. 0 takes a free one."""
    dicom_host: str = "127.0.0.1"
    """Address that the node listens at; any but this machine's own needs --dicom-senders."""
    dicom_title: str = "SNEAKYNET"
    """The node's AE title."""
    dicom_senders: tuple[str, ...] = ()
    """Who may send, AET or AET@address each, if they call the node by its title; by default anyone on this machine."""
    dicom_quiet: float = 10.0
    """Seconds without a slice after which a series is taken to be whole."""
    send_to: str | None = None
    """Archive that gets the DICOM SEG of what came over DICOM, AET@host:port; by default it is only kept here."""


def run(settings: ServeSettings) -> None:
    """Serve until told to stop.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: a wrong option, a folder or port that is taken, or a model that cannot be loaded.
    """
    for package in ("fastapi", "python_multipart", "uvicorn"):
        optional_package(package, extra="serve")
    # These come with an extra.
    from sneakynet.server.access import Access, choose_token
    from sneakynet.server.app import make_app
    from sneakynet.server.listening import address_of, is_loopback, listen, serve

    _check(settings)
    start_dicom = None if settings.dicom_port is None else _dicom(settings)
    token, new = choose_token(settings.token, settings.token_file, loopback=is_loopback(settings.host))
    access, limits = Access(token), _limits(settings)
    crew_settings = _crew(settings, limits)
    # So that what is begun below ends in order. uvicorn hands the signal on when it has stopped.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    with ExitStack() as stack:
        taken = stack.enter_context(listen(settings.host, settings.port))
        store = stack.enter_context(JobStore(settings.output))
        stack.enter_context(_spooling(store.folder / "incoming"))
        stack.enter_context(_telling())
        niivue = None if settings.no_view else _niivue()
        crew = Crew(store, replace(crew_settings, view=niivue is not None))
        stack.callback(crew.stop)
        print("loading the model", file=sys.stderr)
        crew.start()
        stack.enter_context(Janitor(store, keep_hours=settings.keep_hours))
        intake = Intake(store, limits)
        if start_dicom is not None:
            start_dicom(intake, stack)
        app = make_app(intake, access, niivue=niivue)
        # Behind the # it stays in the browser, and out of every log.
        print(f"serving at {address_of(taken)}{f'#token={token}' if new else ''}", file=sys.stderr, flush=True)
        stack.callback(print, "stopping; what is not done is gone on with at the next start", file=sys.stderr)
        serve(app, taken)


def _check(settings: ServeSettings) -> None:
    check_cleanup_settings(settings.clean)
    faults = [
        f"--{name.replace('_', '-')} must be {least} or more, got {value:g}"
        for name, least in _LEAST.items()
        if not (value := getattr(settings, name)) >= least  # no NaN either
    ]
    if settings.send_to is not None and settings.dicom_port is None:
        faults.append("--send-to sends what came over DICOM; add --dicom-port, or leave it out")
    if faults:
        raise SettingError("; ".join(faults))


def _dicom(settings: ServeSettings) -> Callable[[Intake, ExitStack], None]:
    """Read the node's options.

    Returns:
        What starts it.

    Raises:
        SettingError: a wrong option.
    """
    optional_package("pynetdicom", extra="serve")
    optional_package("highdicom", extra="dicom")
    # These come with an extra.
    from sneakynet.server.delivery import Delivery, sender_to
    from sneakynet.server.dicom_node import DicomNode, NodeSettings
    from sneakynet.server.dicom_peer import Archive, Sender, checked_title
    from sneakynet.server.listening import is_loopback
    from sneakynet.server.receiving import Receiving

    title = checked_title(settings.dicom_title)
    senders = tuple(Sender.parse(text) for text in settings.dicom_senders)
    archive = None if settings.send_to is None else Archive.parse(settings.send_to)
    if not senders and not is_loopback(settings.dicom_host):
        msg = (
            "DICOM knows no token: where other machines reach the node, name who may send (--dicom-senders "
            "AET@address), or leave out --dicom-host"
        )
        raise SettingError(msg)

    def start(intake: Intake, stack: ExitStack) -> None:
        receiving = Receiving(intake, quiet=settings.dicom_quiet, deliver=archive is not None)
        where = NodeSettings(settings.dicom_host, settings.dicom_port or 0, title, senders)
        node = stack.enter_context(DicomNode(receiving, where, largest=intake.limits.upload))
        if archive is not None:
            stack.enter_context(Delivery(intake.store, sender_to(archive, title=title)))
        print(f"DICOM node {title} at {settings.dicom_host}:{node.port}", file=sys.stderr)

    return start


def _limits(settings: ServeSettings) -> Limits:
    return Limits(
        upload=parse_size(settings.upload_limit),
        expanded=parse_size(settings.expanded_limit),
        disk=parse_size(settings.disk_limit),
        waiting=settings.most_waiting,
        job_seconds=settings.longest_minutes * 60,
    )


def _niivue() -> Path | None:
    """NiiVue, which the viewer draws with. Where it cannot be had, the server is of use without."""
    try:
        return niivue_script()
    except SneakyNetError as error:
        print(f"warning: the pages of the scans have no viewer: {error}", file=sys.stderr)
        return None


def _crew(settings: ServeSettings, limits: Limits) -> CrewSettings:
    memory = None if settings.memory_limit is None else parse_size(settings.memory_limit)
    return CrewSettings(
        model=ModelChoice(settings.model, precision=settings.precision, threads=settings.threads),
        device=settings.device,
        workers=settings.workers,
        options=CaseOptions(mirror=settings.mirror, memory_limit=memory, order=settings.order, cleanup=settings.clean),
        preview=not settings.no_preview,
        meshes=not settings.no_meshes,
        report=not settings.no_report,
        job_seconds=limits.job_seconds,
        disk=limits.disk,
    )


@contextmanager
def _spooling(folder: Path) -> Iterator[None]:
    """Let uploads grow in nameless files on the disk that they go to: the system's folder may be small, or memory."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


@contextmanager
def _telling() -> Iterator[None]:
    """Say what the server does, scan by scan."""
    logger = logging.getLogger("sneakynet.server")
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
