"""Airflow's plugin scan runs every file that it finds under its bare name: it must find one."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def scanned():
    from airflow._shared.module_loading.file_discovery import find_path_from_directory

    return sorted(
        Path(p).name
        for p in find_path_from_directory(str(ROOT / "plugins"), ".airflowignore", "glob")
        if p.endswith(".py")
    )


def test_the_scan_finds_the_plugin_and_nothing_else():
    assert scanned() == ["plugin.py"]
