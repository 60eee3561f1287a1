"""A verb a file, each with a main(argv); and calls, the same for a program. They stand on everything else."""
