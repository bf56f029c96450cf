"""Formats: reading rows from bytes and writing them, without the server."""
