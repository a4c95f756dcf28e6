import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sneakynet


@pytest.mark.parametrize("name", sneakynet.__all__)
def test_every_name_is_there(name):
    assert getattr(sneakynet, name) is not None


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(sneakynet.__file__).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names}

    assert seen == {*sneakynet.__all__} - {"__version__"}
    assert set(dir(sneakynet)) == {*sneakynet.__all__}


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="has no attribute 'unet'"):
        sneakynet.unet  # noqa: B018 (the look-up is the test)


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, sneakynet; sys.exit(bool({'torch', 'numpy', 'matplotlib'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
