import json
import logging
import sys

from slipway.errors import SettingsError
from slipway.serving.logs import JsonFormatter


def formatted(message, *, error=None, fields=None) -> dict:
    try:
        if error:
            raise error
    except Exception:  # noqa: BLE001
        info = sys.exc_info()
    else:
        info = None
    record = logging.LogRecord("slipway.test", logging.ERROR, __file__, 1, message, (), info)
    record.fields = fields or {}
    line = JsonFormatter().format(record)
    assert "\n" not in line
    return json.loads(line)


def test_a_record_is_one_json_object_with_its_fields():
    line = formatted("two\nlines", fields={"request_id": "r1", "path": JsonFormatter})
    assert line["message"] == "two\nlines"
    assert (line["level"], line["logger"], line["request_id"]) == ("error", "slipway.test", "r1")
    assert line["time"].endswith("+00:00")


def test_an_error_brings_its_traceback_and_its_remedy():
    line = formatted("no", error=SettingsError("it is wrong", remedy="correct it"))
    assert "SettingsError: it is wrong" in line["traceback"]
    assert line["remedy"] == "correct it"


def test_a_message_that_is_not_unicode_is_still_a_line():
    assert formatted("half a pair: \ud800")["message"].startswith("half a pair")
