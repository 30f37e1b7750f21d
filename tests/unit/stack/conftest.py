import pytest

from slipway.settings import Settings


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "include/models").mkdir(parents=True)
    return Settings.load({"SLIPWAY_ROOT": str(tmp_path)})
