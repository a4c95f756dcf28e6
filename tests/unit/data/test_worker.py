import subprocess
import sys

PARENT = """
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor

from sneakynet.data.worker import start_worker

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=start_worker) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        for _ in range(3):
            pool.submit(time.sleep, 600)
        time.sleep(600)
"""


def test_workers_end_when_their_parent_is_killed(tmp_path):
    (tmp_path / "parent.py").write_text(PARENT)
    with subprocess.Popen([sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline().strip().isdigit()
        parent.kill()
        # The worker has inherited stdout: it is at its end when the worker is too.
        parent.communicate(timeout=120)
