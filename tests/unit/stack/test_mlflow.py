from slipway.stack import mlflow


def test_the_server_listens_on_the_loopback_interface_only(settings):
    command = mlflow.server_command(settings.var / "mlflow", port=5001)
    assert "--host=127.0.0.1" in command
    assert "--port=5001" in command
    assert f"--backend-store-uri=sqlite:///{settings.var}/mlflow/mlflow.db" in command


def test_the_server_runs_without_its_job_runner_and_without_telemetry(settings):
    service = mlflow.service(settings, port=5001, caller={"MLFLOW_TRACKING_URI": "http://elsewhere", "HOME": "/h"})
    assert service.env["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert service.env["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert "MLFLOW_TRACKING_URI" not in service.env
    assert service.env["HOME"] == "/h"


def test_loopback_with_a_port_passes_the_servers_host_check():
    from mlflow.server.security_utils import get_default_allowed_hosts, is_allowed_host_header

    assert is_allowed_host_header(get_default_allowed_hosts(), mlflow.url(5001).removeprefix("http://"))
    assert not is_allowed_host_header(get_default_allowed_hosts(), "attacker.example:5001")
