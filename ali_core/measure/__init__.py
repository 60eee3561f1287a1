"""Functions whose answers tests know in closed form, and a card's measures: means, whole sets, factors, translation."""
