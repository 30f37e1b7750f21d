"""Which steps, in which order, as values; nothing here knows Airflow."""
