"""The REST interface: scans in, results out."""

import shutil
from typing import Any, BinaryIO

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from sneakynet.server.access import COOKIE, Access
from sneakynet.server.intake import Intake
from sneakynet.server.job import Job
from sneakynet.server.job_store import JobStore
from sneakynet.server.refusal import RefusalError, unreadable
from sneakynet.server.status import ENDINGS, Fault, Result, ScanStatus, status_of
from sneakynet.viewer.browser.file_in import file_in

_MEANING = {
    401: "the token is missing or wrong",
    404: "there is no such scan, or it has no such result",
    408: "nothing came for a minute",
    409: "the scan is not done",
    413: "too large",
    422: "no scan that can be read",
    503: "the queue is full, or too many uploads at once",
    507: "the disk is full",
}

_LONGEST_FIELD = 200  # bytes; a UID has 64

# Not told by the function's arguments: the form is read with bounds of its own.
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "NIfTI, NRRD, MetaImage or DICOM file, or a zip of a DICOM series",
                        },
                        "series": {"type": "string", "description": "which series of a zip, by number or UID"},
                    },
                }
            }
        },
    }
}


def _faults(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Fault, "description": _MEANING[status]} for status in statuses}


def make_routes(intake: Intake, access: Access, *, viewer: bool) -> APIRouter:
    """The interface's paths.

    Args:
        intake: lets scans in.
        access: who may use it; that is checked before these are reached.
        viewer: whether there is one that scans can be looked at with.
    """
    router = APIRouter(prefix="/api")
    _add_scans(router, intake, viewer=viewer)
    for result in ENDINGS:
        _add_result(router, intake.store, result)
    if viewer:
        _add_view(router, intake.store)
    _add_session(router, access)
    return router


def _add_scans(router: APIRouter, intake: Intake, *, viewer: bool) -> None:
    store = intake.store

    @router.post("/scans", status_code=201, responses=_faults(401, 408, 413, 422, 503, 507), openapi_extra=_FORM)
    async def send_scan(request: Request, response: Response) -> ScanStatus:
        """Put a scan into the queue. The name of its file is neither used nor kept."""
        async with request.form(max_files=1, max_fields=1, max_part_size=_LONGEST_FIELD) as form:
            file, series = form.get("file"), form.get("series") or None
            if not isinstance(file, UploadFile) or isinstance(series, UploadFile):
                msg = "there is no file; send a form (multipart/form-data) with the scan as `file`"
                raise unreadable(msg)
            job = await run_in_threadpool(_admit, intake, file.file, series)
        response.headers["Location"] = f"/api/scans/{job.id}"
        return status_of(job, store, viewer=viewer)

    @router.get("/scans", responses=_faults(401))
    def list_scans() -> list[ScanStatus]:
        """Every scan that the server has, the newest first."""
        return [status_of(job, store, viewer=viewer) for job in store.all()]

    @router.get("/scans/{id}", responses=_faults(401, 404))
    def get_scan(id: str) -> ScanStatus:
        """Where a scan stands."""
        return status_of(_known(store, id), store, viewer=viewer)

    @router.delete("/scans/{id}", status_code=204, responses=_faults(401, 404))
    def delete_scan(id: str) -> None:
        """Delete a scan and its results; work on it is broken off."""
        if not store.remove(id):
            raise _unknown()


def _admit(intake: Intake, upload: BinaryIO, series: str | None) -> Job:
    folder = intake.store.incoming()
    try:
        with (folder / "upload").open("wb") as target:
            shutil.copyfileobj(upload, target, 2**20)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return intake.admit(folder, series=series)


def _add_result(router: APIRouter, store: JobStore, result: Result) -> None:
    ending, media_type = ENDINGS[result]

    def get_result(id: str) -> FileResponse:
        job = _ended(store, id)
        path = store.place(job).result(ending)
        if not path.is_file():
            raise _missing(job, result)
        return FileResponse(path, media_type=media_type, filename=path.name)

    router.add_api_route(
        f"/scans/{{id}}/{result}",
        get_result,
        name=f"get_{result}",
        summary=f"The {result} of a scan, as .{ending}",
        response_class=FileResponse,
        responses={200: {"content": {media_type: {}}}, **_faults(401, 404, 409)},
    )


def _add_view(router: APIRouter, store: JobStore) -> None:
    @router.get(
        "/scans/{id}/view/{file:path}",
        response_class=FileResponse,
        responses={200: {"content": {"application/octet-stream": {}}}, **_faults(401, 404, 409)},
    )
    def get_view(id: str, file: str) -> FileResponse:
        """What the viewer shows: `view.json`, and the files that it names."""
        job = _ended(store, id)
        path = file_in(store.place(job).view, file)
        if path is None:
            raise _missing(job, "such file for the viewer")
        # Of an .nii.gz the browser is to get the gzip as it is.
        return FileResponse(
            path, media_type="application/json" if path.suffix == ".json" else "application/octet-stream"
        )


def _add_session(router: APIRouter, access: Access) -> None:
    @router.post("/session", status_code=204, responses=_faults(401))
    def begin_session(response: Response) -> None:
        """Give the browser that sent the token a cookie that stands for it."""
        response.set_cookie(COOKIE, access.session, httponly=True, samesite="strict")

    @router.delete("/session", status_code=204, responses=_faults(401))
    def end_session(response: Response) -> None:
        """Take the cookie back."""
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")

    @router.get("/health")
    def health() -> dict[str, str]:
        """Whether the server runs; needs no token."""
        return {"status": "ok"}


def _known(store: JobStore, id: str) -> Job:
    job = store.get(id)
    if job is None:
        raise _unknown()
    return job


def _ended(store: JobStore, id: str) -> Job:
    job = _known(store, id)
    if job.open:
        msg = f"the scan is {job.state}; its results come when it is done"
        raise RefusalError(409, msg)
    return job


def _missing(job: Job, what: str) -> RefusalError:
    why = "; ".join(text for text in (job.error, *job.notes) if text)
    return RefusalError(404, f"this scan has no {what}" + (f": {why}" if why else ""))


def _unknown() -> RefusalError:
    return RefusalError(404, "there is no such scan; it may have been deleted after the time that scans are kept")
