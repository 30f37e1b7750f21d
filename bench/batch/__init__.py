"""Batch scoring: Parquet to Parquet beside the bare model and a pandas loop, PostgreSQL by bulk copy, and kills."""
