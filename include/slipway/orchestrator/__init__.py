"""Airflow from outside: trigger a run, follow it, answer what waits for a person, over REST API v2."""
