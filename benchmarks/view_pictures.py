"""Makes the pictures of docs/how-to/view.md: the viewer's page in Chromium, on real scans.

    python benchmarks/view_pictures.py SCAN LABELS -o docs/images/view.webp [--do CLICK ...]

Each CLICK is a CSS selector, or ``hover:`` and one, or ``type:`` and a text for the search. Says how many seconds the
page took to its first picture and to its surfaces, and the memory of the browser's processes.
"""

import argparse
import io
import shutil
import subprocess
import sys
import time

import psutil
from PIL import Image
from playwright.sync_api import Page, sync_playwright

GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
WAIT_MS = 300_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("view", nargs="+", help="arguments of `sneakynet view`")
    parser.add_argument("--reference")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--do", nargs="*", default=[])
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 760))
    parser.add_argument("--no-surfaces", action="store_true")
    args = parser.parse_args()
    command = [sys.executable, "-m", "sneakynet", "view", *args.view, "--no-browser"]
    command += ["--reference", args.reference] if args.reference else []
    command += ["--no-surfaces"] if args.no_surfaces else []
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as viewer:
        assert viewer.stdout is not None
        url = viewer.stdout.readline().strip()
        print(f"address after {time.perf_counter() - start:.1f} s, {_gib(psutil.Process(viewer.pid)):.2f} GiB")
        try:
            with sync_playwright() as tools:
                browser = tools.chromium.launch(executable_path=shutil.which("chromium"), args=GL)
                page = browser.new_page(viewport={"width": args.size[0], "height": args.size[1]})
                page.set_default_timeout(WAIT_MS)
                _show(page, url, surfaces=not args.no_surfaces)
                for step in args.do:
                    _do(page, step)
                page.wait_for_timeout(1000)
                picture = page.screenshot(timeout=WAIT_MS)
                browser.close()
        finally:
            viewer.terminate()
    Image.open(io.BytesIO(picture)).convert("RGB").save(args.output, quality=88, method=6)


def _show(page: Page, url: str, *, surfaces: bool) -> None:
    start = time.perf_counter()
    page.goto(url)
    page.wait_for_selector("body[data-state=ready]", state="attached")
    print(f"first picture {time.perf_counter() - start:.1f} s after the page was opened, {_browser_gib():.2f} GiB")
    if surfaces:
        page.wait_for_selector("body[data-surfaces]", state="attached")
        print(f"surfaces {time.perf_counter() - start:.1f} s after, {_browser_gib():.2f} GiB")


def _do(page: Page, step: str) -> None:
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
