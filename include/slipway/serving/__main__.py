"""``python -m slipway.serving --config serving.json --model DIR --host 0.0.0.0 --port 8080``.

Ends with 0 after SIGTERM, with 1 when the model or the configuration cannot be served.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from slipway.errors import SettingsError
from slipway.serving.app import App
from slipway.serving.config import Limits, ServingConfig, profiling_wanted
from slipway.serving.logs import configure_logging
from slipway.serving.predictor import load_predictor
from slipway.serving.server import DrainingServer

_LOG = logging.getLogger("slipway.serving")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="slipway.serving", description="Serve one version of a model over HTTP.")
    parser.add_argument("--config", type=Path, required=True, help="serving.json")
    parser.add_argument("--model", type=Path, required=True, help="folder of the MLflow model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args(arguments)
    configure_logging()
    try:
        config, limits = ServingConfig.load(options.config), Limits.from_env()
    except SettingsError as error:
        _LOG.error(str(error))
        return 1
    load = partial(load_predictor, options.model, config.signature)
    app = App(config, load, limits=limits, profile=profiling_wanted())
    server = DrainingServer(app, host=options.host, port=options.port, drain_seconds=limits.drain_seconds)
    _LOG.info("starting", extra={"fields": {"model": config.subject.model, "version": config.subject.version}})
    try:
        server.run()
    except SystemExit:  # the address is taken; uvicorn has logged it
        return 1
    return 1 if app.failed else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # A model that hangs must not keep the process alive once the drain is over.
    os._exit(code)
