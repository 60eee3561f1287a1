"""What is computed in a step, what is minimised over it, and FAMILY: a row a member. Read: samples, terms, tuples, objectives, members."""
