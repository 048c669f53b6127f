"""An AWS stand-in for tests: moto in this process, behind our own checks and faults."""
