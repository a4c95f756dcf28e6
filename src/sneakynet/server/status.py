"""What the REST interface says of a scan."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from sneakynet.server.job import Delivery, Job, ScanKind, State
from sneakynet.server.job_store import JobStore
from sneakynet.viewer.browser.view_data import MANIFEST


class Progress(BaseModel):
    """How far the work is."""

    stage: str = Field(description="what is being done")
    done: int
    total: int = Field(description="0 while it is unknown")


Result = Literal["labels", "segmentation", "meshes", "report", "statistics", "picture"]

ENDINGS: dict[Result, tuple[str, str]] = {
    "labels": ("nii.gz", "application/gzip"),
    "segmentation": ("seg.dcm", "application/dicom"),
    "meshes": ("glb", "model/gltf-binary"),
    "report": ("report.html", "text/html"),
    "statistics": ("json", "application/json"),
    "picture": ("png", "image/png"),
}
"""Result -> ending of its file, and its media type."""


class ScanStatus(BaseModel):
    """Where a scan stands."""

    id: str
    kind: ScanKind
    state: State
    created: datetime
    finished: datetime | None
    position: int | None = Field(description="in the queue, from 1; null when it does not wait")
    progress: Progress | None = Field(description="while it runs")
    bones: int | None = Field(description="how many were found")
    order: str | None = Field(description="what was renamed to be in order, and which names are doubtful, if any")
    seconds: float | None = Field(description="that the work took")
    error: str | None = Field(description="why it failed")
    notes: list[str] = Field(description="warnings, and results that could not be made")
    delivery: Delivery = Field(description="of the DICOM SEG to the archive")
    results: list[Result] = Field(description="which may be fetched, each at its own path below the scan")
    view: bool = Field(description="whether the viewer can show it: view/view.json below the scan says from what")


class Fault(BaseModel):
    """Why a request was not done."""

    detail: str


def status_of(job: Job, store: JobStore, *, viewer: bool) -> ScanStatus:
    """What is said of a job.

    Args:
        job: which.
        store: where it is.
        viewer: whether the server has one.
    """
    step = store.step(job.id)
    queue = [one.id for one in store.waiting()] if job.state == "waiting" else []
    place = store.place(job)
    return ScanStatus(
        id=job.id,
        kind=job.kind,
        state=job.state,
        created=datetime.fromtimestamp(job.created, UTC),
        finished=None if job.finished is None else datetime.fromtimestamp(job.finished, UTC),
        position=queue.index(job.id) + 1 if job.id in queue else None,
        progress=None if step is None else Progress(stage=step.stage, done=step.done, total=step.total),
        bones=job.bones,
        order=job.order,
        seconds=job.seconds,
        error=job.error,
        notes=list(job.notes),
        delivery=job.delivery,
        results=[name for name, (ending, _) in ENDINGS.items() if place.result(ending).is_file()]
        if job.state == "done"
        else [],
        view=viewer and job.state == "done" and (place.view / MANIFEST).is_file(),
    )
