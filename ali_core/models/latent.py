"""Ways between latents, and which classes a seed stands for."""

import numpy as np


def interpolate(a: np.ndarray, b: np.ndarray, steps: int, how: str = "slerp") -> np.ndarray:
    """A path from latent a to latent b, both (d,), ends included. -> float32 (steps, d)

    "lerp": a straight line. "slerp": along the sphere, the norm changing linearly, because codes
    in many dimensions lie near a sphere and a straight line leaves it. Where there is no one great
    circle (a zero vector, the same or opposite directions) slerp is the straight line.
    """
    a, b, t = np.asarray(a, float), np.asarray(b, float), np.linspace(0, 1, steps)[:, None]
    norm_a, norm_b = np.linalg.norm(a), np.linalg.norm(b)
    path = (1 - t) * a + t * b
    if how == "slerp" and norm_a and norm_b:
        from_a, from_b = a / norm_a, b / norm_b
        # twice the half-angle's tangent: exact also where an arc cosine is not
        angle = 2 * np.arctan2(np.linalg.norm(from_b - from_a), np.linalg.norm(from_b + from_a))
        if 1e-4 < angle < np.pi - 1e-4:
            on_sphere = np.sin((1 - t) * angle) * from_a + np.sin(t * angle) * from_b
            path = ((1 - t) * norm_a + t * norm_b) * on_sphere / np.sin(angle)
    path[0] = a
    if steps > 1:
        path[-1] = b
    return path.astype(np.float32)


def corners(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, steps: int) -> np.ndarray:
    """Blends four latents (dim,) bilinearly over a square. -> float32 (steps, steps, dim), row first

    a is top left, b top right, c bottom left, d bottom right. A blend is scaled to the blend of the
    four norms, so that the middle is as far from the origin as the corners are.
    """
    four = np.stack([a, b, c, d]).astype(float)
    t = np.linspace(0, 1, steps)
    right, down = t[None, :, None], t[:, None, None]
    weights = [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right]
    blend = sum(w * latent for w, latent in zip(weights, four, strict=True))
    wanted = sum(w * np.linalg.norm(z) for w, z in zip(weights, four, strict=True))
    norm = np.linalg.norm(blend, axis=-1, keepdims=True)
    # opposite latents blend to nothing: leave nothing rather than scale up rounding errors
    blend = np.where(norm > 1e-6 * wanted, blend * wanted / np.where(norm > 0, norm, 1), blend)
    blend[[0, 0, -1, -1], [0, -1, 0, -1]] = four
    return blend.astype(np.float32)


def in_turn(seeds: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """The classes of the samples of seeds (n,): of the first factor every one in turn. -> int (n, factors)

    The other factors are drawn at random, by the seed alone: factors in step would show few combinations.
    """
    seeds = np.asarray(seeds)
    rest = [np.random.default_rng([int(seed), 1]).integers(sizes[1:]) for seed in seeds]
    return np.column_stack([seeds % sizes[0], np.reshape(rest, (len(seeds), len(sizes) - 1))])
