"""``python -m slipway.serving --config serving.json --model DIR --host 0.0.0.0 --port 8080``.

Ends with 0 after SIGTERM, with 1 when the model or the configuration cannot be served, or one of several workers died.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.core.serving_options import ServingOptions
from slipway.errors import SettingsError
from slipway.serving.config import Limits, LogLimits, ServingConfig, backend_wanted, log_folder, profiling_wanted
from slipway.serving.logs import configure_logging
from slipway.serving.workers import serve_with_workers

if TYPE_CHECKING:
    from slipway.serving.logwriter import PredictionLog
    from slipway.serving.peers import Siblings
    from slipway.serving.predictor import Predictor

COMPILED = Path("backends")
EVIDENCE = COMPILED / "evidence.json"
_LOG = logging.getLogger("slipway.serving")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    given = _parser().parse_args(arguments)
    configure_logging()
    try:
        config, limits = ServingConfig.load(given.config), Limits.from_env()
        options, log_limits = ServingOptions.from_env(os.environ), LogLimits.from_env()
        config = replace(config, backend=backend_wanted(config, given.config.parent / EVIDENCE))
    except SettingsError as error:
        _LOG.error(str(error))
        return 1
    if options.workers > 1 and given.worker is None:
        return serve_with_workers(arguments, host=given.host, port=given.port, workers=options.workers)
    return _serve(given, config, options, limits=limits, log_limits=log_limits)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slipway.serving", description="Serve one version of a model over HTTP.")
    parser.add_argument("--config", type=Path, required=True, help="serving.json")
    parser.add_argument("--model", type=Path, required=True, help="folder of the MLflow model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    # What a parent tells its workers.
    parser.add_argument("--socket", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--siblings", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser


def _serve(
    given: argparse.Namespace,
    config: ServingConfig,
    options: ServingOptions,
    *,
    limits: Limits,
    log_limits: LogLimits,
) -> int:
    from slipway.serving.app import App
    from slipway.serving.server import DrainingServer

    log = _prediction_log(config, log_limits)
    app = App(
        config,
        _loader(given.config.parent, given.model, config, options),
        limits=limits,
        options=options,
        profile=profiling_wanted(),
        log=log,
        peers=_siblings(given, options),
    )
    if log is not None:
        app.metrics.log_counts = log.counts
    server = DrainingServer(
        app,
        host=given.host,
        port=given.port,
        drain_seconds=limits.drain_seconds,
        parent=None if given.worker is None else os.getppid(),
    )
    _LOG.info("starting", extra={"fields": {"model": config.subject.model, "version": config.subject.version}})
    try:
        server.run(None if given.socket is None else [socket.socket(fileno=given.socket)])
    except SystemExit:  # the address is taken; uvicorn has logged it
        return 1
    finally:
        if log is not None:
            log.close()
    return 1 if app.failed else 0


def _loader(folder: Path, model: Path, config: ServingConfig, options: ServingOptions) -> Callable[[], Predictor]:
    def load() -> Predictor:
        from slipway.serving.predictor import compiled_in, load_predictor

        return load_predictor(
            model,
            config.signature,
            backend=config.backend,
            compiled=compiled_in(folder / COMPILED),
            threads=options.threads,
        )

    return load


def _prediction_log(config: ServingConfig, limits: LogLimits) -> PredictionLog | None:
    folder = log_folder()
    if folder is None:
        return None
    from slipway.serving.logwriter import PredictionLog
    from slipway.serving.predictionlog import Header

    return PredictionLog(folder, Header.of(config.subject, config.signature), limits=limits)


def _siblings(given: argparse.Namespace, options: ServingOptions) -> Siblings | None:
    if given.worker is None:
        return None
    from slipway.serving.peers import Siblings

    return Siblings(given.siblings, given.worker, options.workers)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # A model that hangs must not keep the process alive once the drain is over.
    os._exit(code)
