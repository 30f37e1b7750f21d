"""The fleet at a glance: what is known about each model, kept ready to be shown, and the pages that show it."""
