"""One client's connection: log in, read each command, run it here or in the engine, answer.

Everything that decides which module runs a statement belongs here.
"""
