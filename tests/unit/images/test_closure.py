"""Which of our modules go into an image."""

import pytest

from slipway.errors import ImageBuildError
from slipway.images.closure import serving_modules


def a_package(root, **files):
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder in [root, *(p for p in root.rglob("*") if p.is_dir())]:
        (folder / "__init__.py").touch()
    return root


def test_the_real_program_takes_along_what_it_imports_and_no_more():
    modules = serving_modules()
    assert {"__init__.py", "errors.py", "core/__init__.py", "core/signature.py", "serving/__main__.py"} <= set(modules)
    assert not {"core/spec.py", "core/version.py", "settings.py"} & set(modules)


def test_imports_are_followed_also_from_inside_functions(tmp_path):
    root = a_package(
        tmp_path,
        serving__main="def f():\n    from slipway.core import one\n",
        core__one="import slipway.core.two\n",
        core__two="from slipway.errors import SlipwayError\n",
        core__unused="",
        errors="",
    )
    assert serving_modules(root) == (
        "__init__.py", "core/__init__.py", "core/one.py", "core/two.py", "errors.py",
        "serving/__init__.py", "serving/main.py",
    )  # fmt: skip


def test_what_has_no_place_in_a_container_stops_the_build(tmp_path):
    root = a_package(tmp_path, serving__main="from slipway.core import one\n", core__one="import slipway.settings\n")
    (root / "settings.py").touch()
    with pytest.raises(ImageBuildError, match=r"imports settings.py"):
        serving_modules(root)


def test_no_program_is_an_error(tmp_path):
    with pytest.raises(ImageBuildError, match="no serving program"):
        serving_modules(tmp_path)
