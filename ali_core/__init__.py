"""ALI core."""
