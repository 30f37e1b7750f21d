"""Compile the kernel that walks trees: C in this package, the same bytes everywhere, no compiler on the host needed.

The compiler is the wheel ``ziglang``: clang and a linker in one package, for every target.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from slipway.backends.ensemble import CannotCompile
from slipway.core.identity import digest_bytes
from slipway.errors import CommandError
from slipway.runtime.commands import run

SOURCE = Path(__file__).with_name("trees.c")
TIMEOUT_S = 120
_FLAGS = (
    *("-std=c11", "-O2", "-fPIC", "-ffreestanding", "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Werror"),
    *("-shared", "-nostdlib", "-s", "-Wl,--build-id=none", "-Wl,-z,defs"),
)
# What every machine of the last ten years has; nothing in the kernel gains from more.
_TARGETS = {
    "x86_64": ("-target", "x86_64-linux-gnu", "-mcpu=x86_64_v2"),
    "aarch64": ("-target", "aarch64-linux-gnu", "-mcpu=generic"),
}


def provide_kernel(cache: Path, machine: str) -> Path:
    """Return the kernel's shared library, made here or before.

    Parameters
    ----------
    cache : Path
    machine : str
        As ``platform.machine`` says it.

    Raises
    ------
    CannotCompile
        If there is no compiler, or none for this machine.
    """
    flags = (*_FLAGS, *_TARGETS[machine]) if machine in _TARGETS else None
    if flags is None:
        raise CannotCompile(f"no kernel for {machine}")
    compiler = importlib.util.find_spec("ziglang")
    if compiler is None or compiler.origin is None:
        raise CannotCompile("no C compiler: the package ziglang is not installed")
    made_from = [SOURCE.read_bytes().decode(), *flags, importlib.metadata.version("ziglang")]
    place = cache / f"kernel-{digest_bytes(chr(0).join(made_from).encode())[7:39]}.so"
    if not place.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".kernel-") as name:
            made = _compile(Path(name), Path(compiler.origin).with_name("zig"), flags)
            made.replace(place)
    return place


def _compile(folder: Path, compiler: Path, flags: tuple[str, ...]) -> Path:
    shutil.copyfile(SOURCE, folder / SOURCE.name)
    env = {"HOME": str(folder), "PATH": os.environ.get("PATH", os.defpath)}
    env |= {f"ZIG_{which}_CACHE_DIR": str(folder / "zig") for which in ("GLOBAL", "LOCAL")}
    try:
        run([compiler, "cc", *flags, "-o", "trees.so", SOURCE.name], timeout_s=TIMEOUT_S, env=env, cwd=folder)
    except CommandError as error:
        raise CannotCompile(f"the C compiler ended: {error.reason[-300:]}") from error
    return folder / "trees.so"
