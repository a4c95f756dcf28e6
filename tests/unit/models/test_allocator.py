import platform
import subprocess
import sys

import pytest

from sneakynet.models import allocator
from sneakynet.models.allocator import keep_freed_memory

# In a process of its own: what is set stays set. A block far larger than the limit from which glibc takes blocks from
# the system for themselves is freed and taken again; the second time its pages are there already.
PROGRAM = """
import resource
from sneakynet.models.allocator import keep_freed_memory

assert keep_freed_memory() and keep_freed_memory()
faults = []
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = bytearray(b"x") * (1 << 27)
    del block
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(*faults)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_memory_that_was_freed_is_there_for_the_next_block():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, second = map(int, done.stdout.split())
    assert second < first / 10


def test_without_glibc_nothing_happens(monkeypatch):
    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed_memory()
