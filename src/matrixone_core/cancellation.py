"""Stop a statement on the server with KILL, and the time limits for that."""

STOP_SECONDS = 4.0  # for a statement to end by a KILL
CLEAN_UP_SECONDS = 5.0  # for each step that an operation still takes once it is cancelled or interrupted
FINISH_SECONDS = 30.0  # for what follows a COMMIT, once the task is cancelled
STOP_AGAIN = (0.05, 0.2, 0.75)  # the parts of it after each KILL: one may reach the server before the statement does


def kill(connection_id: int) -> str:
    """Return the KILL that stops a connection's statement and leaves the connection open (server-facts 16)."""
    return f"KILL QUERY {int(connection_id)}"


def may_run_on(connection_id: int, error: Exception) -> str:
    """Return the warning about a statement that could not be stopped."""
    return f"the statement of connection {connection_id} could not be stopped, and may still run on the server: {error}"
