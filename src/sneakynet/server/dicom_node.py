"""A DICOM node: takes CT series from scanners and archives (C-STORE), answers C-ECHO, and nothing else.

What pynetdicom logs may quote what it was sent, so none of it gets out.
"""

import io
import logging
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import pydicom
from pydicom.uid import (
    JPEG2000,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    LegacyConvertedEnhancedCTImageStorage,
    RLELossless,
)
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification

from sneakynet.errors import SettingError
from sneakynet.server.dicom_peer import Sender, checked_title
from sneakynet.server.receiving import Receiving
from sneakynet.server.refusal import RefusalError

_LOG = logging.getLogger(__name__)

_CT = {CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage}
# All but the deflated one, which may hide any size.
_SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEG2000Lossless,
    JPEG2000,
    JPEGBaseline8Bit,
    RLELossless,
]

_SUCCESS, _REFUSED, _NO_ROOM, _NOT_AS_SAID, _NOT_UNDERSTOOD = 0x0000, 0x0124, 0xA700, 0xA900, 0xC000

_ASSOCIATIONS = 8
_LONGEST_PDU = 2**20  # bytes; senders are asked for 2**16 - 2
_SILENCE = 60.0  # seconds until a peer that says nothing is cut off
_EVERY = 0.5  # seconds between looks for series that are whole


@dataclass(frozen=True)
class NodeSettings:
    """Where the node listens, and to whom.

    Args:
        host: address.
        port: 0 takes a free one.
        title: its AE title.
        senders: who may send; all when empty. Where there are some, the node must be called by its title, too.
    """

    host: str
    port: int
    title: str = "SNEAKYNET"
    senders: tuple[Sender, ...] = ()


class DicomNode:
    """Listens from the start of its block to the end.

    Args:
        receiving: gets the slices.
        settings: where to listen.
        largest: bytes of one message.

    Raises:
        SettingError: on entering, the port cannot be had.
    """

    def __init__(self, receiving: Receiving, settings: NodeSettings, *, largest: int) -> None:
        self._receiving, self._settings, self._largest = receiving, settings, largest
        logging.getLogger("pynetdicom").propagate = False
        self._ae = AE(ae_title=checked_title(settings.title))
        self._ae.maximum_associations = _ASSOCIATIONS
        self._ae.maximum_pdu_size = 2**16 - 2
        self._ae.acse_timeout = self._ae.dimse_timeout = self._ae.network_timeout = _SILENCE
        self._ae.require_called_aet = bool(settings.senders)
        self._ae.require_calling_aet = [sender.title for sender in settings.senders]
        self._ae.add_supported_context(Verification)
        for kind in sorted(_CT):
            self._ae.add_supported_context(kind, _SYNTAXES)
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._server: Any = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> "DicomNode":
        handlers: list[tuple[Any, Callable[[Any], Any]]] = [
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_CONN_CLOSE, lambda event: self._receiving.ended(event.assoc)),
        ]
        try:
            self._server = self._ae.start_server(
                (self._settings.host, self._settings.port), block=False, evt_handlers=handlers
            )
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            msg = (
                f"cannot listen for DICOM at {self._settings.host}, port {self._settings.port}: {reason}; give another "
                "--dicom-port or --dicom-host"
            )
            raise SettingError(msg) from error
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._watch.join()
        self._ae.shutdown()

    def _look(self) -> None:
        while not self._stopping.wait(_EVERY):
            self._receiving.queue_whole()

    def _opened(self, event: Any) -> None:
        """Bound what a peer may send at once: pynetdicom itself reads whatever length is claimed into memory."""
        connection = event.assoc.dul.socket
        receive, event.assoc.sneakynet_read = connection.recv, 0

        def bounded(count: int) -> bytearray:
            event.assoc.sneakynet_read += count
            if count > _LONGEST_PDU or event.assoc.sneakynet_read > self._largest:
                msg = "too much at once"
                raise OSError(msg)  # which pynetdicom takes for a connection that broke
            content: bytearray = receive(count)
            return content

        connection.recv = bounded

    def _store(self, event: Any) -> int:
        event.assoc.sneakynet_read = 0
        if not self._may_send(event.assoc.requestor):
            return _REFUSED
        try:
            content = event.encoded_dataset()
            series, instance = _names(content)
        except Exception:  # pydicom raises anything on what strangers send
            return _NOT_UNDERSTOOD
        if series is None or instance is None:
            return _NOT_AS_SAID
        try:
            self._receiving.take(content, series=series, instance=instance, association=event.assoc)
        except RefusalError as refusal:
            _LOG.warning("a slice that came over DICOM was refused: %s", refusal)
            return _NO_ROOM
        return _SUCCESS

    def _may_send(self, requestor: Any) -> bool:
        senders = self._settings.senders
        return not senders or any(
            sender.title == requestor.ae_title.strip() and sender.address in {None, requestor.address}
            for sender in senders
        )


def _names(content: bytes) -> tuple[str | None, str | None]:
    """UIDs of series and slice; None where it is no CT slice, or a damaged one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they quote header values, which may be the patient's
        dataset = pydicom.dcmread(io.BytesIO(content))
        kind = dataset.get("SOPClassUID")
        series, instance = str(dataset.get("SeriesInstanceUID") or ""), str(dataset.get("SOPInstanceUID") or "")
        if kind not in _CT or kind != dataset.file_meta.MediaStorageSOPClassUID:
            return None, None
        # A slice that is cut short would spoil its series.
        whole = dataset.get("PixelData") is not None and dataset.Rows and dataset.Columns
        if whole and not dataset.file_meta.TransferSyntaxUID.is_compressed:
            bits = int(dataset.BitsAllocated) * int(dataset.get("NumberOfFrames") or 1)
            whole = len(dataset.PixelData) * 8 >= int(dataset.Rows) * int(dataset.Columns) * bits
    return (series or None, instance or None) if whole else (None, None)
