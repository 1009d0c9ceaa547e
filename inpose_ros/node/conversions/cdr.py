"""Serialised messages (CDR) whose bytes say the message and nothing else.

Between a string and a number CDR leaves bytes that mean nothing, up to the next multiple of the number's size. Fast CDR
leaves in them what happened to be in the memory: two equal messages differ in their bytes, and what was there before
is sent along. And rclpy.serialization hands out as many bytes as it reckoned that the message could take at most: it
reckons with the padding before doubles where there are none (an empty `effort`), so a message can have eight bytes too
many, and readers that count them (rosbags) refuse it. What is published as a message, and not as bytes, has the
length that was written.
"""

import functools
import importlib
import struct
from collections.abc import Callable
from typing import Any

from rclpy.serialization import serialize_message
from rosidl_parser import definition

_HEADER = 4  # bytes that say how the others are to be read; places are counted from behind it
_SIZES = {'boolean': 1, 'octet': 1, 'char': 1, 'float': 4, 'double': 8} | {
    f'{sign}int{bits}': bits // 8 for sign in ('', 'u') for bits in (8, 16, 32, 64)
}

# From the bytes and the place where a value may begin to the place behind it; on the way padding becomes zeros.
_Walk = Callable[[bytearray, int], int]


def serialized(message: Any) -> bytes:
    """The message as it goes over the wire, with zeros where nothing is said."""
    data = bytearray(serialize_message(message))
    end = _walk_of(type(message))(data, _HEADER)
    if end > len(data):
        raise ValueError(f'a {type(message).__name__} of {len(data)} bytes ends at byte {end}')
    return bytes(data[:end])


@functools.cache
def _walk_of(kind: type) -> _Walk:
    """Through the fields of a message, one after another."""
    walks = [_walk(slot) for slot in kind.SLOT_TYPES]

    def walk(data: bytearray, at: int) -> int:
        for step in walks:
            at = step(data, at)
        return at

    return walk


def _walk(slot: Any) -> _Walk:
    if isinstance(slot, definition.Array):
        return _repeated(slot.value_type, slot.size)
    if isinstance(slot, definition.AbstractSequence):
        return _repeated(slot.value_type, None)
    if isinstance(slot, definition.AbstractString):
        return _string
    if isinstance(slot, definition.NamespacedType):
        return _walk_of(getattr(importlib.import_module('.'.join(slot.namespaces)), slot.name))
    size = _SIZES[slot.typename]
    return lambda data, at: _aligned(data, at, size) + size


def _repeated(value: Any, count: int | None) -> _Walk:
    """An array of so many, or a sequence that begins with how many they are; numbers lie in one piece."""
    size, one = _SIZES.get(getattr(value, 'typename', '')), _walk(value)

    def walk(data: bytearray, at: int) -> int:
        many = count
        if many is None:
            at = _aligned(data, at, 4) + 4
            (many,) = struct.unpack_from('=I', data, at - 4)
        if size:
            return _aligned(data, at, size) + size * many if many else at
        for _ in range(many):
            at = one(data, at)
        return at

    return walk


def _string(data: bytearray, at: int) -> int:
    at = _aligned(data, at, 4) + 4
    return at + struct.unpack_from('=I', data, at - 4)[0]


def _aligned(data: bytearray, at: int, size: int) -> int:
    """The next place for a number of this size; zeros up to there."""
    skipped = (_HEADER - at) % size
    if skipped:
        data[at : at + skipped] = bytes(skipped)
    return at + skipped
