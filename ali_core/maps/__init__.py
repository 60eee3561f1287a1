"""The atlas of a checkpoint's codes: how it is laid out, and how it is read."""
