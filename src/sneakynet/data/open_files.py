"""How many files a process may hold open."""

try:
    import resource
except ImportError:  # Windows: there the limit is another, and far away
    resource = None  # type: ignore[assignment]

# What a run holds open beside its cases: libraries, logs, sockets.
_OTHERS = 256


def allow_open_files(count: int) -> None:
    """Raise this process's own limit where it is too low, as far as the system lets it: a mapped case holds a file.

    Args:
        count: files that are to be open at once.
    """
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + _OTHERS
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else min(needed, hard), hard))
