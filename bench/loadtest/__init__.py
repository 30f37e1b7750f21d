"""What a closed-loop test says of a stalling server, and what Slipway's load test says of the same one."""
