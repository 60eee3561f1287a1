"""What a step is given, and the one loop. Measures nothing."""
