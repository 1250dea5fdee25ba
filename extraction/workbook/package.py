"""An uploaded .xlsx as a package of parts: a zip file read with suspicion.

Runs in the child process. Names, methods, flags and sizes come from the central directory; nothing is unpacked to
disk; every unpacked byte is counted, since a declared size is a claim. ECMA-376 part 2 allows stored and deflated parts
only, no encryption and ASCII names.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from extraction.workbook.cells import MAX_ENTRIES, MAX_PART, MAX_UNPACKED, MIB, Code, Rejected

END = struct.Struct("<4s4H2LH")  # end of central directory
CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
LOCAL = struct.Struct("<4s2B4HL2L2H")
STORED, DEFLATED = 0, 8
ENCRYPTED = 0x1 | 0x40 | 0x2000  # classic, strong, masked headers


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    method: int
    crc: int
    packed: int
    size: int  # as declared
    header: int  # offset of the local header
    begin: int  # offset of the data


class Package:
    """The parts of a zip file, checked as far as their headers go.

    Raises `Rejected`: E_CORRUPT, E_ENCRYPTED or E_BOMB.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._unpacked: dict[str, int] = {}
        self.parts: dict[str, Part] = {}
        folded: set[str] = set()
        total = 0
        for part in self._directory():
            if part.name.lower() in folded:
                raise Rejected(Code.CORRUPT, "The file holds the same part twice.", part=part.name)
            folded.add(part.name.lower())
            total += part.size
            self.parts[part.name] = part
        if not self.parts:
            raise Rejected(Code.CORRUPT, "The file is an empty archive.")
        self._refuse_overlap()
        self.oversized = total > MAX_UNPACKED  # by its own account
        for part in self.parts.values():
            self._check_local_header(part)

    def read(self, name: str) -> Iterator[bytes]:
        """The unpacked bytes of a part in pieces of at most 1 MiB, counted and checked while they stream."""
        part = self.parts[name]
        raw = memoryview(self._data)[part.begin : part.begin + part.packed]
        others = sum(self._unpacked.values()) - self._unpacked.get(name, 0)
        size, crc = 0, 0
        for piece in self._inflated(part, raw) if part.method == DEFLATED else _slices(raw):
            size += len(piece)
            self._unpacked[name] = size
            if size > MAX_PART or others + size > MAX_UNPACKED:
                raise Rejected(Code.BOMB, f"Unpacked, this part is larger than {MAX_PART // MIB} MB.", part=name)
            if size > part.size:
                raise Rejected(Code.BOMB, "This part is larger than it says.", part=name)
            crc = zlib.crc32(piece, crc)
            yield piece
        if size != part.size or crc != part.crc:
            raise Rejected(Code.CORRUPT, "This part is damaged: size or checksum do not fit.", part=name)

    def starts_with(self, name: str, length: int) -> bytes:
        """The first bytes of a part, without reading the rest."""
        part = self.parts[name]
        raw = self._data[part.begin : part.begin + min(part.packed, 4096)]
        if part.method == STORED:
            return raw[:length]
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, length)
        except zlib.error as error:
            raise Rejected(Code.CORRUPT, "This part cannot be unpacked.", part=name) from error

    def _directory(self) -> Iterator[Part]:
        end = self._data.rfind(b"PK\5\6", max(0, len(self._data) - END.size - 0xFFFF))
        if end < 0 or end + END.size > len(self._data):
            raise Rejected(Code.CORRUPT, "The file is cut off or damaged: its table of contents is missing.")
        _, disk, start_disk, here, count, size, offset, comment = END.unpack_from(self._data, end)
        if count > MAX_ENTRIES:
            raise Rejected(Code.BOMB, f"The file has {count:,} parts; {MAX_ENTRIES} are allowed.")
        if disk or start_disk or here != count or offset + size != end or end + END.size + comment != len(self._data):
            raise Rejected(Code.CORRUPT, "The table of contents of the file does not fit the file.")
        at = self._directory_begins = offset
        for _ in range(count):
            part, at = self._entry(at, end)
            if part:
                yield part
        if at != end:
            raise Rejected(Code.CORRUPT, "The table of contents of the file does not fit the file.")

    def _entry(self, at: int, end: int) -> tuple[Part | None, int]:
        """The directory entry at `at` (None for a folder) and where the next begins."""
        if at + CENTRAL.size > end or self._data[at : at + 4] != b"PK\1\2":
            raise Rejected(Code.CORRUPT, "The table of contents of the file is damaged.")
        fields = CENTRAL.unpack_from(self._data, at)
        _, _, _, _, _, flags, method, _, _, crc, packed, size, n_name, n_extra, n_comment = fields[:15]
        attributes, header = fields[17], fields[18]
        begin = at + CENTRAL.size
        name = _part_name(self._data[begin : begin + n_name])
        after = begin + n_name + n_extra + n_comment
        if flags & ENCRYPTED:
            raise Rejected(Code.ENCRYPTED, "This part is encrypted. Save the workbook without a password.", part=name)
        if method not in (STORED, DEFLATED):
            raise Rejected(Code.CORRUPT, "This part is packed by a method that workbooks do not use.", part=name)
        kind = stat.S_IFMT(attributes >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Rejected(Code.CORRUPT, "This part is a link or a device, not a file.", part=name)
        if name.endswith("/"):
            if size:
                raise Rejected(Code.CORRUPT, "A folder of the file has contents of its own.", part=name)
            return None, after
        if max(size, packed, header) == 0xFFFFFFFF:
            raise Rejected(Code.BOMB, "This part says that it is larger than 4 GB.", part=name)
        local = self._data[header : header + LOCAL.size]
        if len(local) < LOCAL.size or local[:4] != b"PK\3\4":
            raise Rejected(Code.CORRUPT, "This part is not where the table of contents says.", part=name)
        *_, n_local_name, n_local_extra = LOCAL.unpack(local)
        data = header + LOCAL.size + n_local_name + n_local_extra
        return Part(name, method, crc, packed, size, header, data), after

    def _refuse_overlap(self) -> None:
        last = 0
        for part in sorted(self.parts.values(), key=lambda part: part.header):
            if part.header < last:
                raise Rejected(Code.BOMB, "Two parts of the file share the same bytes.", part=part.name)
            last = part.begin + part.packed
        if last > self._directory_begins:
            raise Rejected(Code.CORRUPT, "A part of the file reaches into its table of contents.")
        if min(part.header for part in self.parts.values()):
            raise Rejected(Code.CORRUPT, "Something stands before the first part of the file.")

    def _check_local_header(self, part: Part) -> None:
        _, _, _, flags, method, *_, n_name, _ = LOCAL.unpack_from(self._data, part.header)
        begin = part.header + LOCAL.size
        if flags & ENCRYPTED:
            raise Rejected(Code.ENCRYPTED, "This part is encrypted.", part=part.name)
        if method != part.method or _part_name(self._data[begin : begin + n_name]) != part.name:
            raise Rejected(Code.CORRUPT, "This part has two different headers.", part=part.name)

    def _inflated(self, part: Part, raw: memoryview) -> Iterator[bytes]:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        waiting: bytes | memoryview = raw
        try:
            while piece := inflate.decompress(waiting, MIB):
                yield piece
                waiting = inflate.unconsumed_tail
        except zlib.error as error:
            raise Rejected(Code.CORRUPT, "This part cannot be unpacked.", part=part.name) from error
        if not inflate.eof or inflate.unused_data:
            raise Rejected(Code.CORRUPT, "This part cannot be unpacked.", part=part.name)


def _slices(raw: memoryview) -> Iterator[bytes]:
    for begin in range(0, len(raw), MIB):
        yield bytes(raw[begin : begin + MIB])


def _part_name(raw: bytes) -> str:
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Rejected(Code.CORRUPT, "A part of the file has an unreadable name.") from error
    segments = name.removesuffix("/").split("/")
    if not name.isprintable() or {"\\", ":"} & set(name) or not all(part.strip(".") for part in segments):
        raise Rejected(Code.CORRUPT, "A part of the file has a name that leads elsewhere.", part=ascii(name)[1:80])
    return name
