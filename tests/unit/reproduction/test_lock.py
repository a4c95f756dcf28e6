import pytest

from sneakynet.errors import SettingError
from sneakynet.reproduction.lock import locked


def test_one_command_at_a_time(tmp_path):
    with locked(tmp_path), pytest.raises(SettingError, match="another command is at work"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
