"""A page on paper: a browser that is on this machine prints it; nothing is fetched."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from slipway.errors import CommandError
from slipway.runtime.commands import run

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
TIMEOUT_S = 60


def print_page(html: str, path: Path) -> None:
    """Print a self-contained page to a PDF file.

    Raises
    ------
    CommandError
        If no browser is installed, or it printed nothing.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise CommandError(
            f"no browser that prints to PDF is installed (looked for {', '.join(BROWSERS)})",
            remedy="install Chromium, or write the card as html or md and print that",
        )
    with tempfile.TemporaryDirectory() as folder:
        page, printed = Path(folder) / "page.html", Path(folder) / "page.pdf"
        page.write_text(html, encoding="utf-8")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", "--disable-dev-shm-usage"]
        argv = [browser, *flags, f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}", page.as_uri()]
        run(argv, timeout_s=TIMEOUT_S)
        if not printed.is_file():
            raise CommandError(f"{browser} printed nothing", remedy="write the card as html or md and print that")
        shutil.copyfile(printed, path)
