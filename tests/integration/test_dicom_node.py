"""The DICOM node against DCMTK's programs, hostile peers, and a real archive."""

import json
import os
import shutil
import socket
import struct
import subprocess
import sysconfig
import urllib.request
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, MRImageStorage, generate_uid

pynetdicom = pytest.importorskip("pynetdicom", reason="needs the extra `serve`")
pytest.importorskip("highdicom", reason="needs the extra `dicom`")

from pynetdicom import AE  # noqa: E402

from sneakynet.server.delivery import Delivery, sender_to  # noqa: E402
from sneakynet.server.dicom_node import DicomNode, NodeSettings  # noqa: E402
from sneakynet.server.dicom_peer import Archive, Sender  # noqa: E402
from sneakynet.server.receiving import Receiving  # noqa: E402

HOST = "127.0.0.1"


def dcmtk(name):
    """A program of DCMTK; in an active environment pynetdicom's of the same name would come first."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    own = Path(sysconfig.get_path("scripts")).resolve()
    return shutil.which(name, path=os.pathsep.join(folder for folder in folders if Path(folder).resolve() != own))


needs_dcmtk = pytest.mark.skipif(dcmtk("storescu") is None, reason="DCMTK's storescu is not installed")


@pytest.fixture
def node(station):
    """A node that takes a series for whole at once, and what it has queued since."""
    before = {job.id for job in station.store.all()}
    receiving = Receiving(station.intake, quiet=0.0, deliver=True)
    with DicomNode(receiving, NodeSettings(HOST, 0), largest=4 * 2**20) as running:
        running.new = lambda: [job for job in station.store.all() if job.id not in before]
        running.receiving = receiving
        yield running
    for job in running.new():
        station.store.remove(job.id)


@pytest.fixture
def study(dicom, tmp_path):
    """A series of a phantom-like block, as a scanner gives it."""
    hu = np.full((12, 24, 24), -1000, dtype=np.int16)
    hu[:, 4:20, 4:20] = np.random.default_rng(0).integers(-100, 900, (12, 16, 16))

    def edit(dataset, index):
        dicom.as_from_a_scanner(dataset, index)
        dataset.StudyInstanceUID = "1.2.826.0.1.3680043.10.1"

    return dicom.series(
        tmp_path / "study",
        dicom.axial([10.0 * k for k in range(12)]),
        hu=hu,
        pixel=(10, 10),
        uid=generate_uid(),  # what another test's sender left unfinished is not of this series
        edit=edit,
    )


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60)


def associate(port, kind=CTImageStorage, syntax="1.2.840.10008.1.2.1", title="TEST"):
    ae = AE(ae_title=title)
    ae.add_requested_context(kind, syntax)
    return ae.associate(HOST, port, ae_title="SNEAKYNET")


def sent(association, dataset):
    status = association.send_c_store(dataset)
    association.release()
    return status.get("Status")


@needs_dcmtk
def test_a_study_sent_by_storescu_is_segmented(node, station, study, eventually):
    assert run(dcmtk("echoscu"), HOST, node.port).returncode == 0
    assert run(dcmtk("storescu"), "+sd", HOST, node.port, study).returncode == 0
    (job,) = eventually(node.new)
    eventually(lambda: not station.store.get(job.id).open)
    done = station.store.get(job.id)
    assert (done.state, done.delivery, done.error) == ("done", "waiting", None)
    seg = pydicom.dcmread(station.store.place(done).result("seg.dcm"))
    assert (seg.Modality, seg.StudyInstanceUID) == ("SEG", "1.2.826.0.1.3680043.10.1")
    names = [str(path.relative_to(station.store.folder)) for path in station.store.folder.rglob("*")]
    assert not any("Secret" in name or "1.2.826" in name for name in names)


def test_slices_that_come_twice_count_once(node, study, eventually):
    slices = [pydicom.dcmread(path) for path in sorted(study.iterdir())]
    association = associate(node.port)
    for dataset in (*slices, slices[0], slices[3]):
        assert association.send_c_store(dataset).Status == 0
    association.release()
    (job,) = eventually(node.new)
    assert job.kind == "dicom"


def test_a_series_is_not_whole_while_its_association_stands(node, study, eventually):
    slices = [pydicom.dcmread(path) for path in sorted(study.iterdir())]
    association = associate(node.port)
    for dataset in slices:
        association.send_c_store(dataset)
    assert node.receiving.queue_whole() == 0
    assert node.new() == []
    association.release()
    assert eventually(node.new)


def test_hostile_datasets_are_refused_and_name_no_file(node, station, study):
    first = pydicom.dcmread(next(iter(sorted(study.iterdir()))))

    def changed(**values):
        dataset = pydicom.dcmread(BytesIO(_bytes(first)))
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        return dataset

    with pydicom.config.disable_value_validation():
        path = changed(SOPInstanceUID="../../../../tmp/evil", SeriesInstanceUID="../../etc")
        path.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
        assert sent(associate(node.port), path) in {0, 0xC000}
    short = changed(PixelData=first.PixelData[:100])
    assert sent(associate(node.port), short) == 0xA900
    nameless = changed(SeriesInstanceUID="")
    assert sent(associate(node.port), nameless) == 0xA900
    names = {path.name for path in station.store.folder.rglob("*")}
    assert not any("evil" in name or "etc" in name for name in names)
    assert not Path("/tmp/evil").exists()


def _bytes(dataset):
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_only_ct_is_taken(node):
    assert associate(node.port, MRImageStorage).accepted_contexts == []
    assert associate(node.port, CTImageStorage, DeflatedExplicitVRLittleEndian).accepted_contexts == []


def test_a_message_of_4_gb_is_not_read(node):
    with socket.create_connection((HOST, node.port), timeout=20) as peer:
        peer.sendall(struct.pack(">BBL", 1, 0, 2**32 - 1) + b"x" * 100)
        assert peer.recv(10) == b""
    association = associate(node.port)
    assert association.is_established
    association.release()


def test_strangers_are_refused(station, study):
    before = set((station.store.folder / "receiving").iterdir())
    receiving = Receiving(station.intake, quiet=3600.0, deliver=False)
    senders = (Sender("SCANNER"), Sender("MOVED", "192.0.2.1"))
    first = pydicom.dcmread(next(study.iterdir()))
    with DicomNode(receiving, NodeSettings(HOST, 0, senders=senders), largest=2**20) as node:
        assert associate(node.port, title="STRANGER").is_rejected
        assert sent(associate(node.port, title="MOVED"), first) == 0x0124
        assert set((station.store.folder / "receiving").iterdir()) == before
        assert sent(associate(node.port, title="SCANNER"), first) == 0


@pytest.fixture
def orthanc(tmp_path, node):
    """A PACS that knows the node, on ports of its own: its DICOM port, and what asks its REST interface."""
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("the archive Orthanc is not installed")
    dicom_port, http_port = free_port(), free_port()
    config = tmp_path / "orthanc.json"
    config.write_text(
        json.dumps(
            {
                "StorageDirectory": str(tmp_path / "pacs"),
                "IndexDirectory": str(tmp_path / "pacs"),
                "DicomPort": dicom_port,
                "DicomAet": "ORTHANC",
                "DicomCheckCalledAet": True,
                "DicomModalities": {"sneakynet": ["SNEAKYNET", HOST, node.port]},
                "HttpPort": http_port,
                "RemoteAccessAllowed": False,
                "AuthenticationEnabled": False,
                "Plugins": [],
            }
        )
    )
    with (tmp_path / "orthanc.log").open("wb") as log:
        process = subprocess.Popen([program, str(config)], stdout=log, stderr=log)

        def ask(path, data=None):
            address = f"http://{HOST}:{http_port}/{path}"
            with urllib.request.urlopen(urllib.request.Request(address, data), timeout=20) as answer:
                return json.load(answer)

        try:
            yield dicom_port, ask
        finally:
            process.terminate()
            process.wait(30)


def free_port():
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return taken.getsockname()[1]


def test_round_trip_with_a_real_archive(node, station, study, orthanc, eventually):
    port, ask = orthanc

    def up():
        try:
            return ask("system")
        except OSError:
            return None

    eventually(up)
    for path in study.iterdir():
        ask("instances", path.read_bytes())
    (series,) = ask("series")
    ask("modalities/sneakynet/store", series.encode())
    (job,) = eventually(node.new)
    with Delivery(station.store, sender_to(Archive("ORTHANC", HOST, port), title="SNEAKYNET")):
        eventually(lambda: station.store.get(job.id).delivery != "waiting")
    job = station.store.get(job.id)
    assert job.delivery == "sent", (job.state, job.error, job.notes)
    (in_archive,) = ask("studies")
    found = [ask(f"series/{one}")["MainDicomTags"] for one in ask(f"studies/{in_archive}")["Series"]]
    assert sorted(one["Modality"] for one in found) == ["CT", "SEG"]
    (seg,) = (one for one in found if one["Modality"] == "SEG")
    assert seg["SeriesDescription"] == "Bones (SneakyNet)"
