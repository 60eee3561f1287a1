"""Numbers with known answers, and a card's measures: means, whole sets, factors, translation."""
