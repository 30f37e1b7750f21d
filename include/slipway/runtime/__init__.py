"""Adapters to the outside: bounded programs, the container engine, and the services that run models."""
