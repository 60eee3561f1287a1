"""What the first bytes of a picture file say, before any decoder sees it."""

import re

# of a JPEG; every scan goes over the whole picture again. Cameras and programs write up to about ten.
MAX_SCANS, MAX_SEGMENTS = 32, 2_000
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)


# of the formats that are read: PNG, JPEG, GIF, BMP, WebP, TIFF
_BEGINNINGS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II", b"MM")


def recognised(content: bytes) -> bool:
    """Whether it begins like one of the pictures that are read."""
    return content.startswith(_BEGINNINGS)


def endless(content: bytes) -> bool:
    """Whether it is a JPEG of more scans or segments than any program writes.

    Half a megabyte of scans can ask for a minute of decoding.
    """
    at, scans, segments = 2 if content[:3] == b"\xff\xd8\xff" else len(content), 0, 0
    while scans <= MAX_SCANS and segments <= MAX_SEGMENTS:
        marker = _MARKER.search(content, at)
        if not marker or marker[1] == b"\xd9":
            return False
        scans += marker[1] == b"\xda"
        segments += 1
        at = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], "big")
    return True


def webp_size(content: bytes) -> tuple[int, int]:
    """The size in a WebP header, 0, 0 of other files: opening one would already fill its canvas."""
    kind = content[12:16] if content[8:12] == b"WEBP" else b""
    if kind == b"VP8X":
        width, height = content[24:27], content[27:30]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        bits = int.from_bytes(content[26:30], "little")
        return bits & 0x3FFF, bits >> 16 & 0x3FFF
    return 0, 0
