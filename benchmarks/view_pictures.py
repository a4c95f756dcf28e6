"""Makes the pictures of docs/how-to/view.md, serve.md and report.md: the pages in Chromium, on real scans.

    python benchmarks/view_pictures.py SCAN LABELS -o docs/images/view.webp [--do CLICK ...]
    python benchmarks/view_pictures.py SCAN --page serve -o docs/images/serve.webp --size 1280 900
    python benchmarks/view_pictures.py SCAN LABELS --page report -o docs/images/report.webp --size 1280 1250

Each CLICK is a CSS selector, or ``hover:`` and one, or ``type:`` and a text for the search. Says how many seconds the
viewer took to its first picture and to its surfaces, and the memory of the browser's processes.
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from PIL import Image
from playwright.sync_api import Frame, Page, sync_playwright

GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
WAIT_MS = 300_000
SNEAKYNET = [sys.executable, "-m", "sneakynet"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan")
    parser.add_argument("labels", nargs="?")
    parser.add_argument("--page", choices=("view", "serve", "report"), default="view")
    parser.add_argument("--reference")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--do", nargs="*", default=[])
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 760))
    parser.add_argument("--quality", type=int, default=88)
    parser.add_argument("--no-surfaces", action="store_true")
    args = parser.parse_args()
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=shutil.which("chromium"), args=GL)
        page = browser.new_page(viewport={"width": args.size[0], "height": args.size[1]})
        page.set_default_timeout(WAIT_MS)
        with {"view": viewed, "serve": served, "report": reported}[args.page](page, args) as shown:
            for step in args.do:
                _do(shown, step)
            page.wait_for_timeout(1000)
            picture = page.screenshot(timeout=WAIT_MS)
        browser.close()
    Image.open(io.BytesIO(picture)).convert("RGB").save(args.output, quality=args.quality, method=6)
    print(f"{args.output}: {Path(args.output).stat().st_size / 1000:.0f} kB")


@contextmanager
def viewed(page: Page, args: argparse.Namespace) -> Iterator[Page]:
    """The page of `sneakynet view`."""
    command = [*SNEAKYNET, "view", args.scan, *([args.labels] if args.labels else []), "--no-browser"]
    command += ["--reference", args.reference] if args.reference else []
    command += ["--no-surfaces"] if args.no_surfaces else []
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as viewer:
        assert viewer.stdout is not None
        url = viewer.stdout.readline().strip()
        print(f"address after {time.perf_counter() - start:.1f} s, {_gib(psutil.Process(viewer.pid)):.2f} GiB")
        try:
            start = time.perf_counter()
            page.goto(url)
            _wait(page, start, surfaces=args.labels is not None and not args.no_surfaces)
            yield page
        finally:
            viewer.terminate()


@contextmanager
def served(page: Page, args: argparse.Namespace) -> Iterator[Frame]:
    """The page of a scan that was sent to `sneakynet serve`; clicks go into the viewer on it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*SNEAKYNET, "serve", "-o", folder, "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
            assert server.stderr is not None
            try:
                (url,) = next(found for line in server.stderr if (found := re.findall(r"serving at (\S+)", line)))
                page.goto(url)
                page.wait_for_selector("#main", state="visible")
                page.set_input_files("#files", args.scan)
                page.click("#scans a.name")
                page.wait_for_selector("body.done")
                start = time.perf_counter()
                frame = page.query_selector("#view iframe").content_frame()
                _wait(frame, start, surfaces=True)
                page.wait_for_selector("#picture", state="visible")
                yield frame
            finally:
                server.terminate()


@contextmanager
def reported(page: Page, args: argparse.Namespace) -> Iterator[Page]:
    """What `sneakynet report` writes."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.html")
        subprocess.run([*SNEAKYNET, "report", args.labels, "--scan", args.scan, "-o", report], check=True)
        page.goto(report.as_uri())
        yield page


def _wait(page: Page | Frame, start: float, *, surfaces: bool) -> None:
    page.wait_for_selector("body[data-state=ready]", state="attached")
    print(f"first picture {time.perf_counter() - start:.1f} s after the page was opened, {_browser_gib():.2f} GiB")
    if surfaces:
        page.wait_for_selector("body[data-surfaces]", state="attached")
        print(f"surfaces {time.perf_counter() - start:.1f} s after, {_browser_gib():.2f} GiB")


def _do(page: Page | Frame, step: str) -> None:
    match step.partition(":"):
        case "type", _, text:
            page.fill("#search", text)
        case "hover", _, selector:
            page.hover(selector)
        case "wait", _, selector:
            page.wait_for_selector(selector, state="attached")
        case "run", _, script:
            page.evaluate(script)
        case _:
            page.click(step)
    page.wait_for_timeout(700)


def _browser_gib() -> float:
    """Of all the browser's processes; memory that they share counts in part to each."""
    return sum(_gib(process) for process in psutil.Process().children(recursive=True) if "chrom" in process.name())


def _gib(process: psutil.Process) -> float:
    return process.memory_full_info().pss / 2**30


if __name__ == "__main__":
    main()
