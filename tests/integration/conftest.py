"""What the tests of several commands need."""

import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from sneakynet import BoneTable, WeightsHeader, build_sneakynet, save_weights


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """Weights file of a small network that finds many bones in anything."""
    torch.manual_seed(0)
    network = build_sneakynet(variant="E", n_classes=126, patch_size=8, contexts=(1, 2), width=2, levels=3)
    for unet in (network.target, *network.contexts):
        torch.nn.init.normal_(unet.head.weight)  # so that many classes win somewhere
        torch.nn.init.zeros_(unet.head.bias)
    header = WeightsHeader(
        architecture=network.architecture.to_dict(),
        spacing=(10.0, 10.0, 10.0),
        hu_window=(-1000.0, 1000.0),
        table=BoneTable.default(),
        provenance={"data": "none"},
    )
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_weights(path, network, header)
    return path


@pytest.fixture
def one_thread():
    """Networks this small take longest to wait for threads, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@contextmanager
def _station(folder, model, **options):
    from sneakynet.cohort.model_choice import ModelChoice
    from sneakynet.server.crew import Crew, CrewSettings
    from sneakynet.server.intake import Intake
    from sneakynet.server.job_store import JobStore
    from sneakynet.server.limits import Limits

    limits = Limits(upload=4 * 2**20, expanded=8 * 2**20, voxels=10**6, members=300)
    with JobStore(folder) as store:
        crew = Crew(store, CrewSettings(ModelChoice(model, threads=1), device="cpu", preview=False, **options))
        crew.start()
        yield SimpleNamespace(store=store, intake=Intake(store, limits), crew=crew)
        crew.stop()


@pytest.fixture(scope="module")
def station(model, tmp_path_factory):
    """A server's inside at work: its store, what lets scans in, and one worker with the small network.

    Its thread may not outlive the module: checks of types run in it, which draw from `random`, and hypothesis forbids
    that.
    """
    pytest.importorskip("fastapi", reason="needs the extra `serve`")
    with _station(tmp_path_factory.mktemp("server"), model, meshes=False, view=False, report=False) as station:
        yield station


@pytest.fixture(scope="module")
def viewing_station(model, tmp_path_factory):
    """The same, but it makes surfaces, reports and what the viewer shows."""
    pytest.importorskip("fastapi", reason="needs the extra `serve`")
    pytest.importorskip("manifold3d", reason="needs the extra `mesh`")
    with _station(tmp_path_factory.mktemp("server"), model, meshes=True, view=True, report=True) as station:
        yield station


@pytest.fixture(scope="module")
def listening():
    """Serves an application on a port of its own: a context manager that gives the address."""

    @contextmanager
    def serve(app):
        import uvicorn

        from sneakynet.server.listening import address_of, listen

        with listen("127.0.0.1", 0) as taken:
            server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
            thread.start()
            yield address_of(taken)
            server.should_exit = True
            thread.join()

    return serve


@pytest.fixture
def eventually():
    """Wait for something that another process does."""

    def wait(what, *, seconds=60.0):
        until = time.monotonic() + seconds
        while not (result := what()):
            assert time.monotonic() < until, "it did not come"
            time.sleep(0.05)
        return result

    return wait
