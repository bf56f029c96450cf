"""Inputs: where the bytes of a load come from, a stage or the client."""
