"""The web application: guard, gate, REST interface and pages."""

import logging
from collections.abc import Callable
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from sneakynet.errors import OutputError
from sneakynet.server.access import Access, Guard
from sneakynet.server.answer_headers import VIEWER, AnswerHeaders
from sneakynet.server.intake import Intake
from sneakynet.server.refusal import RefusalError
from sneakynet.server.routes import make_routes
from sneakynet.server.upload_gate import UploadGate
from sneakynet.viewer.browser.niivue import WEB

_LOG = logging.getLogger(__name__)


def make_app(intake: Intake, access: Access, *, niivue: Path | None = None) -> FastAPI:
    """Put the parts together.

    Args:
        intake: lets scans in; its store has the results.
        access: who may use it.
        niivue: from `niivue_script`; None leaves the viewer out.
    """
    # FastAPI's own pages about the interface load scripts from elsewhere.
    app = FastAPI(
        title="SneakyNet",
        version=version("sneakynet"),
        summary="Distinct bone segmentation in CT. Not for clinical use.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.include_router(make_routes(intake, access, viewer=niivue is not None))
    _add_pages(app)
    if niivue is not None:
        _add_viewer(app, niivue)
    _add_faults(app)
    # The last is the first that a request meets.
    app.add_middleware(UploadGate, intake=intake)
    app.add_middleware(Guard, access=access)
    app.add_middleware(AnswerHeaders)
    return app


def _add_pages(app: FastAPI) -> None:
    static = str(files("sneakynet.server") / "static")
    for path, page in (("/", "scans.html"), ("/scans/{id}", "scan.html")):
        # The pages hold no data: they ask for it, with what the browser knows.
        app.add_api_route(path, _page(f"{static}/{page}"), include_in_schema=False)
    style = files("sneakynet.viewer") / "templates" / "page.css"  # one look for all pages
    app.add_api_route("/static/page.css", _page(str(style)), include_in_schema=False)
    app.mount("/static", StaticFiles(directory=static))


def _add_viewer(app: FastAPI, niivue: Path) -> None:
    """The page of `sneakynet view`; its query says where the data of a scan are."""
    app.add_api_route(f"{VIEWER}niivue.js", _page(str(niivue)), include_in_schema=False)
    app.mount(VIEWER, StaticFiles(directory=WEB))


def _page(path: str) -> Callable[[], FileResponse]:
    def page() -> FileResponse:
        return FileResponse(path)

    return page


def _add_faults(app: FastAPI) -> None:
    @app.exception_handler(RefusalError)
    def refused(request: Request, refusal: RefusalError) -> JSONResponse:
        return JSONResponse({"detail": str(refusal)}, status_code=refusal.status)

    @app.exception_handler(OSError)
    def no_disk(request: Request, error: OSError) -> JSONResponse:
        _LOG.error("the disk: %s", error.strerror if not isinstance(error, OutputError) else "cannot be written")
        return JSONResponse({"detail": "the server cannot write to its disk; try again later"}, status_code=507)
