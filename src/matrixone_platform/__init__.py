"""The client's machine for both sides: files, environment, terminal, certificates, sockets after a fork.

Only what the core must not do, and what is the same for threads and for an event loop, may live here.
"""
