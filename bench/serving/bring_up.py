"""Bring one system up for one model, whatever system it is, and down again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.serving import systems
from bench.serving.models import BenchModel
from bench.serving.payloads import Form
from bench.serving.processes import Cores, DidNotStart, Program, wait_ready
from bench.serving.session import Running
from bench.serving.slipway_side import READY, SPLIT_PATH, Image, started
from bench.serving.systems import ECHO, SLIPWAY
from slipway.errors import ServiceError
from slipway.settings import Settings


def split_name(system: str) -> tuple[str, str | None]:
    """Return a system's own name and the backend that is asked for in it.

    >>> split_name("slipway:array"), split_name("echo")
    (('slipway', 'array'), ('echo', None))
    """
    name, _, backend = system.partition(":")
    return name, backend or None


@dataclass(slots=True)
class Workshop:
    """What systems are started with.

    Attributes
    ----------
    folder : Path
        Where everything of the benchmark lies.
    cores : Cores
    settings : Settings
        Slipway's own, below that folder.
    pythons : dict
        The interpreter of each peer's environment.
    images : dict
        Slipway's image of each model.
    """

    folder: Path
    cores: Cores
    settings: Settings
    pythons: dict[str, Path] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)

    def python_of(self, model: str) -> Path:
        """Return the interpreter in which a model is served; ours where its image could not be built."""
        image = self.images.get(model)
        return Path(sys.executable) if image is None else image.python

    @contextmanager
    def running(self, system: str, model: BenchModel, variant: str) -> Iterator[Running]:
        """Start a system, wait until it is ready, and stop it at the end.

        Raises
        ------
        DidNotStart
        """
        name, backend = split_name(system)
        if name == SLIPWAY:
            with self._slipway(system, model, backend) as up:
                yield up
            return
        python = self.python_of(model.name) if name == ECHO else self.pythons[name]
        launch = systems.launch(
            name, model, variant, python=python, folder=self.folder / "run" / f"{name}-{model.name}"
        )
        log = self.folder / "logs" / f"{name}-{model.name}.log"
        program = Program.start(launch.argv, cwd=launch.cwd, env=launch.env, log=log, core=self.cores.server)
        try:
            wait_ready(launch.port, launch.ready, program)
            yield Running(system=system, model=model.name, port=launch.port, path=launch.path, form=launch.form)
        finally:
            program.stop()

    @contextmanager
    def _slipway(self, system: str, model: BenchModel, backend: str | None) -> Iterator[Running]:
        image = self.images[model.name]
        try:
            with started(image, self.settings, core=self.cores.server, backend=backend) as handle:
                wait_ready(handle.port, READY)
                yield Running(
                    system=system,
                    model=model.name,
                    port=handle.port,
                    path=SPLIT_PATH,
                    form=Form.SPLIT,
                    binary_path=image.infer_path,
                    metrics=True,
                )
        except ServiceError as error:
            raise DidNotStart(str(error)) from error
