"""What every report for people shares: the page, its parts and its looks; imports core and errors only."""
