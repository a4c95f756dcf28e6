"""Worker processes that make phantoms."""

import _thread
import multiprocessing
import os
import signal
import threading
import time

import torch

# Seconds that a worker without parent has to take its unfinished file away.
_GRACE = 5.0


def start_worker() -> None:
    """Begin a worker process: one thread for torch, and an end with its parent.

    Killed, a parent cannot tell its workers, and they would go on with what is queued and then wait for ever.
    """
    torch.set_num_threads(1)
    # Ctrl-C reaches the whole group: the parent hears it and lets its workers finish what they have begun.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _leave(*_: object) -> None:
    raise SystemExit(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    _thread.interrupt_main(signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(1)
