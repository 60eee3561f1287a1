"""The one search for nearest neighbours: exact, Euclidean, and needing numpy alone, for the map that the app paints first."""

import numpy as np

_CHUNK = 250


def nearest(points: np.ndarray, queries: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The k points (n,d) nearest to each query (m,d), nearest first. -> indices (m,k), distances (m,k)

    Of equally near points, for k = 1, the first. In the precision of `points`.
    """
    queries, k = np.asarray(queries, points.dtype), min(k, len(points))
    squares, indices, distances = (points**2).sum(1), [], []
    for chunk in np.array_split(queries, -(-len(queries) // _CHUNK) or 1):
        # |q|^2 is the same for all points and cannot change their order
        near = squares - 2 * chunk @ points.T
        columns = near.argmin(1)[:, None] if k == 1 else np.argpartition(near, k - 1, axis=1)[:, :k]
        exact = np.linalg.norm(points[columns] - chunk[:, None], axis=2)
        order = exact.argsort(1, kind="stable")
        indices.append(np.take_along_axis(columns, order, 1))
        distances.append(np.take_along_axis(exact, order, 1))
    return np.concatenate(indices), np.concatenate(distances)
