"""What a data set is, where each comes from, and pictures of any file as a model sees them. Knows no network."""
