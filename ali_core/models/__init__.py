"""A checkpoint on disk and as something to ask, what its codes can do, and pictures on sheets."""
