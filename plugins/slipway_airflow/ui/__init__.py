"""What Slipway adds to Airflow's pages."""
