"""Turns in plain numbers: quaternions (wxyz) of single readings, for which arrays take ten times as long."""

import math
from collections.abc import Sequence

Quaternion = tuple[float, float, float, float]
Triple = tuple[float, float, float]

NO_TURN: Quaternion = (1.0, 0.0, 0.0, 0.0)


def product(p: Quaternion, q: Quaternion) -> Quaternion:
    """First q, then p."""
    a, b, c, d = p
    w, x, y, z = q
    return (
        a * w - b * x - c * y - d * z,
        a * x + b * w + c * z - d * y,
        a * y - b * z + c * w + d * x,
        a * z + b * y - c * x + d * w,
    )


def inverse(q: Quaternion) -> Quaternion:
    return (q[0], -q[1], -q[2], -q[3])


def exp(x: float, y: float, z: float) -> Quaternion:
    """The turn by a rotation vector [rad]."""
    angle = math.sqrt(x * x + y * y + z * z)
    scale = math.sin(angle / 2) / angle if angle > 1e-9 else 0.5
    return (math.cos(angle / 2), scale * x, scale * y, scale * z)


def turned_on(q: Quaternion, x: float, y: float, z: float) -> Quaternion:
    """q, and on by a rotation vector in its own axes [rad]."""
    return product(q, exp(x, y, z))


def angle(q: Quaternion) -> float:
    """How far it turns, from 0 to pi [rad]."""
    return 2 * math.atan2(math.sqrt(q[1] * q[1] + q[2] * q[2] + q[3] * q[3]), abs(q[0]))


def applied(q: Quaternion, v: Triple) -> Triple:
    """A vector turned."""
    _, x, y, z = product(product(q, (0.0, *v)), inverse(q))
    return (x, y, z)


def between(a: Triple, b: Triple) -> float:
    """The angle between two vectors [rad]."""
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return math.atan2(math.hypot(*cross), a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


def matrix(q: Quaternion) -> list[list[float]]:
    """The rows of its rotation matrix; q is brought to length 1."""
    w, x, y, z = q
    s = 2 / (w * w + x * x + y * y + z * z)
    return [
        [1 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y)],
        [s * (x * y + w * z), 1 - s * (x * x + z * z), s * (y * z - w * x)],
        [s * (x * z - w * y), s * (y * z + w * x), 1 - s * (x * x + y * y)],
    ]


def of_matrix(rows: Sequence[Sequence[float]]) -> Quaternion:
    """Of a rotation matrix (S. W. Shepperd, 1978)."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rows
    squares = (1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz)
    largest = squares.index(max(squares))
    products = (
        (squares[0], zy - yz, xz - zx, yx - xy),
        (zy - yz, squares[1], xy + yx, xz + zx),
        (xz - zx, xy + yx, squares[2], yz + zy),
        (yx - xy, xz + zx, yz + zy, squares[3]),
    )[largest]
    length = math.hypot(*products)
    w, x, y, z = (each / length for each in products)
    return (w, x, y, z)
