import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")

# In a process of its own: a limit that was raised stays so.
PROGRAM = """
import resource
from sneakynet.data.open_files import allow_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, (300, 900))
for count in (10, 500, 10, 5000):
    allow_open_files(count)
    print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_the_limit_is_raised_as_far_as_it_may_be_and_never_lowered():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["300 900", "756 900", "756 900", "900 900", ""]
