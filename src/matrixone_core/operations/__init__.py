"""What the clients' managers bind, and nothing else: one operation for each of their methods."""
