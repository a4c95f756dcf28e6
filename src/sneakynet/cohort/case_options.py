"""How a scan is segmented, beyond which model does it."""

from dataclasses import dataclass, field

from sneakynet.inference.cleanup_settings import CleanupSettings


@dataclass(frozen=True)
class CaseOptions:
    """Plain values, fit to be sent to other machines.

    Args:
        mirror: see `Predictor.segment`.
        memory_limit: bytes, see `Predictor.segment`.
        order: whether names are put in order afterwards, see `order_names`.
        cleanup: what is done to the labels then.
    """

    mirror: bool = False
    memory_limit: int | None = None
    order: bool = True
    cleanup: CleanupSettings = field(default_factory=CleanupSettings)
