"""What is kept, for how long, and how it is shown to an auditor who trusts nobody."""
