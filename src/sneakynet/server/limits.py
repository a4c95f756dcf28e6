"""What a server lets in, at most."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds on what strangers may make the server do.

    Args:
        upload: bytes of one request, or of one series that comes over DICOM.
        expanded: bytes that a zip or gzip may hold, unpacked.
        ratio: how many times larger than itself a zip may be, unpacked.
        members: files in a zip, or slices of a series.
        voxels: of one scan.
        waiting: scans in the queue.
        disk: bytes of all scans and results together.
        uploads: requests that may bring a scan at the same time.
        job_seconds: that a scan may take; its worker is then ended.
    """

    upload: int = 2 * 2**30
    expanded: int = 8 * 2**30
    ratio: int = 100
    members: int = 10_000
    voxels: int = 1_500_000_000
    waiting: int = 100
    disk: int = 100 * 2**30
    uploads: int = 4
    job_seconds: float = 4 * 3600.0
