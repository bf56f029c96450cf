"""Fixtures for tests that need a MatrixOne server; pytest finds them by itself (`plugin`)."""
