"""The command-line program, a file for each group of commands."""
