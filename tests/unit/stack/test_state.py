import json
import threading

import pytest

from slipway.errors import StackError
from slipway.settings import STACK_FILE, Settings
from slipway.stack import state
from slipway.stack.state import Addresses, ServiceRecord, StackState

RECORD = ServiceRecord(
    name="mlflow", pid=7, created=12.5, port=5000, url="http://127.0.0.1:5000", log="/x.log", fingerprint="ab"
)


def test_what_is_written_is_read_back(tmp_path):
    written = StackState(addresses=Addresses(tracking_uri="http://m"), services=(RECORD,), ports={"mlflow": 5000})
    state.write(tmp_path, written)
    assert state.read(tmp_path) == written


def test_the_settings_read_the_addresses(tmp_path):
    (tmp_path / "include/models").mkdir(parents=True)
    addresses = Addresses(
        tracking_uri="http://m",
        ledger_url="sqlite:///l.db",
        airflow_url="http://a",
        airflow_user="admin",
        airflow_password="word",
        gateway_url="http://g",
        gateway_admin_url="http://ga",
    )
    (tmp_path / "var").mkdir()
    state.write(tmp_path / "var", StackState(addresses=addresses))
    settings = Settings.load({"SLIPWAY_ROOT": str(tmp_path)})
    assert {name: getattr(settings, name) for name in Addresses.__dataclass_fields__} == {
        name: getattr(addresses, name) for name in Addresses.__dataclass_fields__
    }


def test_only_the_owner_may_read_the_file(tmp_path):
    (tmp_path / STACK_FILE).write_text("{}")
    (tmp_path / STACK_FILE).chmod(0o644)
    state.write(tmp_path, StackState())
    assert (tmp_path / STACK_FILE).stat().st_mode & 0o777 == 0o600


def test_the_password_stays_out_of_a_representation():
    assert "word" not in repr(StackState(addresses=Addresses(airflow_password="word")))


def test_no_file_is_an_empty_state(tmp_path):
    assert state.read(tmp_path) == StackState()


DAMAGED = {
    "not_json": "{",
    "a_list": "[]",
    "unknown_field": json.dumps({"services": [{"pid": 1}]}),
    "bad_port": json.dumps({"ports": {"mlflow": "x"}}),
    "ports_no_object": json.dumps({"ports": [1]}),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_an_error_with_a_remedy(tmp_path, text):
    (tmp_path / STACK_FILE).write_text(text)
    with pytest.raises(StackError, match="What to do"):
        state.read(tmp_path)


def test_a_second_start_waits_for_the_first(tmp_path):
    order, said = [], []
    entered = threading.Event()

    def second():
        entered.set()
        with state.locked(tmp_path, progress=said.append):
            order.append("second")

    with state.locked(tmp_path, progress=said.append):
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait(5)
        thread.join(0.3)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert len(said) == 1


def test_a_lock_that_is_never_released_is_an_error(tmp_path):
    with (
        state.locked(tmp_path, progress=str),
        pytest.raises(StackError, match="another start or stop"),
        state.locked(tmp_path, progress=str, timeout_s=0.2),
    ):
        pass


def test_a_record_takes_its_predecessors_place():
    later = ServiceRecord(name="mlflow", pid=8, created=13.0, port=5000, url="", log="", fingerprint="ab")
    assert StackState(services=(RECORD,)).with_service(later).services == (later,)
