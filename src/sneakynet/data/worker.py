"""Worker processes that make phantoms."""

import _thread
import multiprocessing
import os
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
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    _thread.interrupt_main()
    time.sleep(_GRACE)
    os._exit(1)
