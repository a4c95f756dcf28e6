"""The exceptions a user can meet.

Each message names the thing, the value, what is allowed and the remedy. The command line prints the message
alone (no traceback) and exits with status 2.
"""


class SneakyNetError(Exception):
    """Base of every error that is the caller's to mend."""


class VolumeError(SneakyNetError, ValueError):
    """A scan or label map that cannot be read, or cannot be used as it is."""


class SettingError(SneakyNetError, ValueError):
    """An option or argument outside what is allowed."""


class DatasetError(SneakyNetError, ValueError):
    """A dataset whose files, labels or grids do not fit together."""


class WeightsError(SneakyNetError, ValueError):
    """A model file of another kind or version, or a damaged one."""


class BoneTableError(SneakyNetError, ValueError):
    """A bone table with faults, or a bone that the table does not hold."""


class OutputError(SneakyNetError, OSError):
    """An output that cannot be written where it was asked for."""
