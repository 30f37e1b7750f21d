"""Compare the day with its reference, decide alerts, and tell who must know."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from slipway_airflow.operators.base import airflow_errors
from slipway_airflow.operators.interval import IntervalOperator, day_of
from slipway_airflow.ui.links import ModelLink, ReportLink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from slipway.scoring import Interval


class MonitorOperator(IntervalOperator):
    """Compare the day with its reference, decide alerts, and tell who must know."""

    operator_extra_links = (ReportLink(), ModelLink())

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report_path = ""

    def interval(self, context: Mapping[str, Any], params: Mapping[str, Any]) -> Interval:
        """Return the day that is judged."""
        return day_of(context, params)

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the outcomes, the alerts and the pages."""
        from slipway.workflows.monitor import monitor
        from slipway.workflows.watch_trend import trend_path

        with airflow_errors():
            found = monitor(self.workbench(), self.run_of(context), send_mail=send_mail)
        self.report_path = trend_path(self.model).as_posix()
        return found


def send_mail(addresses: list[str], subject: str, text: str) -> None:
    """Send an e-mail through Airflow's SMTP connection; any error is the caller's to record."""
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    with SmtpHook() as hook:
        hook.send_email_smtp(to=addresses, subject=subject, html_content=f"<pre>{escape(text)}</pre>")
