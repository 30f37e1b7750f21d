from __future__ import annotations

import pytest

from slipway.core.serving_options import Mode, ServingOptions
from slipway.errors import SettingsError


def test_options_survive_the_environment():
    options = ServingOptions(mode=Mode.POOL, threads=2, batch_rows=64, batch_wait_ms=1.5, workers=3)
    assert ServingOptions.from_env({**options.to_env(), "PATH": "/bin"}) == options


def test_what_the_environment_leaves_out_or_empty_keeps_its_default():
    assert ServingOptions.from_env({"SLIPWAY_SERVING_THREADS": ""}) == ServingOptions()


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"threads": 0}, id="no thread"),
        pytest.param({"batch_rows": 0}, id="no row"),
        pytest.param({"workers": -1}, id="no worker"),
        pytest.param({"batch_wait_ms": float("nan")}, id="a wait that is no number"),
        pytest.param({"batch_wait_ms": 5000}, id="a wait of seconds"),
        pytest.param({"mode": "fast"}, id="an unknown mode"),
        pytest.param({"threads": "many"}, id="a count in words"),
        pytest.param({"colour": "red"}, id="an unknown name"),
    ],
)
def test_options_that_cannot_be_served_with_are_refused(wrong):
    with pytest.raises(SettingsError):
        ServingOptions.from_json(wrong)
