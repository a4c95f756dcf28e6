"""What the viewer's page may load and run, whoever serves it."""

_SOURCES = {
    "default-src": "'self'",
    # NiiVue's font is such an image. Its workers, blobs and WebAssembly are for formats that are not shown here.
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
}


def content_policy(*, frame_ancestors: str) -> str:
    """The page's Content-Security-Policy: nothing from other sites, and of its own what NiiVue needs.

    Args:
        frame_ancestors: which pages may show it in a frame: ``'none'`` or ``'self'``.
    """
    return "; ".join(f"{name} {value}" for name, value in (_SOURCES | {"frame-ancestors": frame_ancestors}).items())
