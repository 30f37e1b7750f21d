"""Log lines as JSON objects on stdout."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from slipway.errors import SlipwayError, shorten


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, message, the record's ``fields``, and a traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": shorten(record.getMessage()),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            error = record.exc_info[1]
            line["traceback"] = self.formatException(record.exc_info)[-20_000:]
            if isinstance(error, SlipwayError):
                line["remedy"] = error.remedy
        return json.dumps(line, default=str)


def configure_logging() -> None:
    """Send every record of this process to stdout, as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(capture=True)


def adopt(name: str) -> None:
    """Take away a library's own handlers, so that its records come out as ours do."""
    logger = logging.getLogger(name)
    logger.handlers.clear()
    logger.propagate = True
