"""Models in the plane: what is shown at a step, recorded, or trained live."""
