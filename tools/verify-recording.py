#!/usr/bin/env python3
"""Checks a recording without any of the code that wrote it: Python's standard library and recorder/SPEC.md. For one
with packed blocks (R196) also Zstandard: Python 3.14, or the system's libzstd.

    python3 tools/verify-recording.py FILE.sqlite [--key NAME+ID+KEY]... [--checkpoint NOTE]...
    python3 tools/verify-recording.py TLOG-DIRECTORY [--key NAME+ID+KEY]...

Hashes, links, owners, sequences and times of every block, openings, snapshot hashes, the Merkle tree of every chain;
tiles and checkpoints of FILE.sqlite.proofs when it is there, and every checkpoint given. Nothing is re-executed.
Prints `ok` and exits 0, or the first event that fails and exits 1; 2 when there is nothing to check.
"""
import argparse, base64, ctypes, ctypes.util, hashlib, os, re, sqlite3, struct, sys, urllib.parse, zlib


class Fault(Exception):
    pass


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# Protobuf wire format: field number -> list of values, in order.
def varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Fault("malformed: a number is cut short or too long")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire in (1, 2, 5):
            size, at = varint(data, at) if wire == 2 else (8 if wire == 1 else 4, at)
            if size > len(data) - at:
                raise Fault("malformed: a field is cut short")
            value, at = data[at : at + size], at + size
        else:
            raise Fault(f"malformed: wire type {wire}")
        found.setdefault(tag >> 3, []).append(value)
    return found


def last(found, number, otherwise):
    return found.get(number, [otherwise])[-1]


def text(found, number):
    return last(found, number, b"").decode("utf-8")


# R90: peaks are the roots of complete subtrees, by height.
class Tree:
    def __init__(self):
        self.size, self.peaks, self.tiles = 0, {}, {}

    def push(self, leaf):
        node, height, index = leaf, 0, self.size
        self.size += 1
        self.keep(0, node)
        while index & 1:
            node = sha(b"\1", self.peaks.pop(height), node)
            height, index = height + 1, index >> 1
            if height % 8 == 0:
                self.keep(height // 8, node)
        self.peaks[height] = node

    def keep(self, level, node):  # R91
        row = self.tiles.setdefault(level, [])
        row.append(node)

    def root(self):
        root = None
        for height in sorted(self.peaks):
            root = self.peaks[height] if root is None else sha(b"\1", self.peaks[height], root)
        return sha() if root is None else root


# Ed25519 verification, RFC 8032 section 5.1.7, on extended coordinates.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, d - c, d + c, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(n, point):
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total


def point_of(data):
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r, s = point_of(public), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(k, key))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# R93, R94: signed notes.
def parse_key(line):
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)", line)
    content = base64.b64decode(match[3], validate=True) if match else b""
    if len(content) != 33 or content[0] not in (1, 4) or sha(match[1].encode(), b"\n", content)[:4].hex() != match[2]:
        raise Fault(f"--key {line}: no Ed25519 note key")
    return match[1], content[0], content[1:]


def parse_checkpoint(note, keys):
    """Origin, size, root and the names of those who signed; keys of others are passed over."""
    body, blank, signatures = note.rpartition("\n\n")
    lines = body.split("\n")
    if not blank or len(lines) < 3 or not re.fullmatch(r"0|[1-9]\d*", lines[1]):
        raise Fault("malformed checkpoint")
    message, signers = (body + "\n").encode(), []
    for line in signatures.splitlines():
        dash, name, encoded = line.split(" ")
        data = base64.b64decode(encoded, validate=True)
        for known, kind, public in keys:
            if known != name or data[:4] != sha(name.encode(), b"\n", bytes([kind]), public)[:4]:
                continue
            signed, signature = message, data[4:]
            if kind == 4:
                signed = b"cosignature/v1\ntime %d\n" % struct.unpack(">Q", signature[:8]) + message
                signature = signature[8:]
            if not ed25519(public, signed, signature):
                raise Fault(f"checkpoint of {lines[0]} at {lines[1]}: the signature of {name} is false")
            signers.append(name)
    if keys and not signers:
        raise Fault(f"checkpoint of {lines[0]} at {lines[1]}: no known key signed it")
    return lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True), signers


def origin_of(tenant, source, epoch):
    quoted = [urllib.parse.quote(part, safe="-_.!~*'()") for part in (tenant, source)]
    return f"sigma/{quoted[0]}/{quoted[1]}/{epoch}"


def check_chain(db, number, chain, before, heads_signed, landed, untold):
    """Walks one chain (R10 to R14, R33); returns its tree, last sequence and last hash. `untold`: stubs of this and
    earlier epochs, by epoch and last event, of which no gap has told yet (R127)."""
    tree, sequence, link, at_us = Tree(), 0, bytes(32), 0
    agreed, place, lost = 0, 0, False

    def fail(event, what):
        raise Fault(f"{chain[0]}/{chain[1]} epoch {chain[2]}, event {event}: {what}")

    rows = db.execute(
        "SELECT ordinal, first_sequence, count, first_at_us, last_at_us, hash, bytes FROM blocks WHERE chain = ? ORDER BY first_sequence",
        (number,),
    )
    for ordinal, first, count, first_at, last_at, stored, data in with_landed(unpacked(rows, fail), landed):
        place += 1
        if first != sequence + 1:
            fail(sequence + 1, f"missing: the next block begins with {first}" if first > sequence else "a block stands here twice")
        if data[:2] == b"\x08\x40":
            dropped, stood = check_stub(data, chain, first, count, ordinal == place, link, stored, fail)
            sequence, link, place, lost = sequence + count, stored, place + stood - 1, True
            at_us = max(at_us, last(fields(data), 9, 0))
            untold[chain[2], sequence] = (first, sequence, dropped)
            continue
        if sha(data) != stored:
            fail(first, "the block's bytes do not have the hash stored beside them")
        try:
            block = fields(data)
            envelopes = [fields(envelope) for envelope in block.get(7, [])]
        except (Fault, AttributeError, TypeError) as fault:
            fail(first, str(fault))
        if last(block, 1, 0) != 1:
            fail(first, f"format {last(block, 1, 0)}; this script reads format 1")
        if (text(block, 2), text(block, 3), last(block, 4, 0)) != chain:
            fail(first, f"the block belongs to {text(block, 2)}/{text(block, 3)} epoch {last(block, 4, 0)}")
        if last(block, 6, b"") != link:
            fail(first, "the block does not carry the hash of the block before it")
        if last(block, 5, 0) != first or len(envelopes) != count or count == 0 or ordinal != place:
            fail(first, "the block is not filed as what it says it is")
        for raw, event in zip(block[7], envelopes):
            sequence += 1
            if last(event, 1, 0) != sequence:
                fail(sequence, f"event {last(event, 1, 0)} stands here")
            if last(event, 4, 0) < at_us:
                fail(sequence, "time runs backwards")
            at_us, kind = last(event, 4, 0), text(event, 2)
            if (kind == "sigma.opening.v1") != (sequence == 1):
                fail(sequence, "a chain begins with its one opening")
            if sequence == 1:
                opening = fields(last(event, 8, b""))
                if (text(opening, 1), text(opening, 2), last(opening, 3, 0)) != chain:
                    fail(1, "the opening is that of another chain")
                ended = last(opening, 12, b"")
                if ended and before is not None and ended != before:
                    fail(1, "the epoch before does not end where this opening saw it end")
            elif kind == "sigma.snapshot.v1":
                snapshot = fields(last(event, 8, b""))
                if sha(last(snapshot, 3, b"")) != last(snapshot, 4, b""):
                    fail(sequence, "the snapshot's state does not have the hash it names")
            elif kind == "sigma.gap.v1":
                gap = fields(last(event, 8, b""))
                told = last(gap, 7, chain[2]), last(gap, 2, 0)
                if told in untold and accounts_for(gap, untold[told]):
                    del untold[told]
            if lost:  # Nobody knows the leaves of what was dropped.
                continue
            tree.push(sha(b"\0", raw))
            for size, root in heads_signed:
                if size == sequence and tree.root() != root:
                    fail(f"{agreed + 1} to {size}", "the tree is not the one that was signed: one of these was rewritten")
                agreed = size if size == sequence else agreed
        if (first_at, last_at) != (last(envelopes[0], 4, 0), at_us):
            fail(first, "the block is not filed under its times")
        link = stored
    for size, _ in heads_signed:
        if size > sequence:
            fail(f"{sequence + 1} to {size}", f"missing: the chain ends at {sequence}")
    return None if lost else tree, sequence, link


def refuse_untold(source, untold):
    """All epochs of a source were read, and something that is said to have been dropped is accounted for by none."""
    for (epoch, _), (first, end, _) in untold.items():
        raise Fault(f"{source[0]}/{source[1]} epoch {epoch}, event {first} to {end}: missing: a stub stands here, and no gap accounts for it")


def check_stub(data, chain, first, count, in_place, link, stored, fail):
    """A stub in the place of dropped blocks (R127); returns the hashes that it names, and how many blocks stood there."""
    try:
        stub = fields(data)
        dropped = [fields(one) for one in stub.get(8, [])]
    except (Fault, AttributeError, TypeError) as fault:
        fail(first, str(fault))
    hashes = [last(one, 1, b"") for one in dropped]
    if (text(stub, 2), text(stub, 3), last(stub, 4, 0)) != chain:
        fail(first, "the stub is of another chain")
    if last(stub, 6, b"") != link:
        fail(first, "the stub does not carry the hash of the block before it")
    if not hashes or hashes[-1] != stored or 7 in stub:
        fail(first, "the stub is not filed under the hash of the last block that it stands for")
    if last(stub, 5, 0) != first or sum(last(one, 2, 0) for one in dropped) != count or not in_place:
        fail(first, "the stub is not filed as what it says it is")
    return hashes, sum(last(one, 3, 1) for one in dropped)


def accounts_for(gap, stub):
    first, end, hashes = stub
    named = gap.get(6, [])
    most = min(len(named), len(hashes))
    return most > 0 and last(gap, 1, 0) <= first and last(gap, 2, 0) == end and named[-most:] == hashes[-most:]


def check_tiles(shelf, origin, tree, chain):
    for level, tile, hashes in shelf.execute("SELECT level, tile, hashes FROM tiles WHERE origin = ?", (origin,)):
        row = tree.tiles.get(level, [])[tile * 256 : tile * 256 + 256]
        for i in range(len(hashes) // 32):
            if i >= len(row) or row[i] != hashes[32 * i : 32 * i + 32]:
                event = (tile * 256 + i) * 256**level + 1
                raise Fault(f"{chain[0]}/{chain[1]} epoch {chain[2]}, event {event}: the tile {level}/{tile} of the shelf differs from the tree")


def reading(path, application):
    db = sqlite3.connect(f"file:{urllib.parse.quote(os.path.abspath(path))}?mode=ro", uri=True)
    if db.execute("PRAGMA application_id").fetchone()[0] != application:
        raise Fault(f"{path}: not a file of this kind")
    return db


def record_at(data, at):
    """The whole record of a landing that stands there (R137): life and round, number, bytes to the next, blocks; or None."""
    if at + 20 > len(data):
        return None
    check, size, life, turn, number = struct.unpack_from("<5I", data, at)
    body = data[at + 20 : at + 20 + size]
    if not size or len(body) < size or zlib.crc32(data[at + 4 : at + 20] + body) != check:
        return None
    blocks, place = [], 0
    while place + 4 <= size:
        (length,) = struct.unpack_from("<I", body, place)
        blocks.append(body[place + 4 : place + 4 + length])
        place += 4 + length
    return (life, turn), number, (20 + size + 7) // 8 * 8, blocks


def landed(path):
    """What has landed beside a recording, in order, by chain; and every whole block there, for how far it reaches."""
    name = os.path.realpath(path) + "-landing"
    data = None
    for _ in range(100):  # Until nobody was writing it meanwhile.
        before, data = data, open(name, "rb").read() if os.path.exists(name) else b""
        if before == data:
            break
    follows, at, number, begun = {}, 0, 0, None
    while (record := record_at(data, at)) and (begun or record[0]) == record[0] and record[1] == number:
        for block in record[3]:
            chain, *row = filed(block)
            follows.setdefault(chain, []).append(row)
        begun, number, at = record[0], number + 1, at + record[2]
    anywhere, at = [], 0
    while at < len(data):
        record = record_at(data, at)
        anywhere += record[3] if record else []
        at += record[2] if record else 8
    return follows, [filed(block) for block in anywhere]


def filed(data):
    """A landed block's chain, and its row as the database would hold it: without ordinal, and with its link behind."""
    block, stub = fields(data), data[:2] == b"\x08\x40"
    chain, first = (text(block, 2), text(block, 3), last(block, 4, 0)), last(block, 5, 0)
    counts = [last(fields(one), 2, 0) for one in block.get(8, [])] if stub else [1 for _ in block.get(7, [])]
    times = [last(block, 9, 0)] if stub else [last(fields(one), 4, 0) for one in block.get(7, [])]
    digest = last(fields(block[8][-1]), 1, b"") if stub else sha(data)
    return chain, (first, sum(counts), times[0], times[-1], digest, data), last(block, 6, b"")


def zstd(data, most):
    """The content of one frame of RFC 8878, at most so many bytes."""
    try:
        from compression.zstd import decompress

        return decompress(data)
    except ImportError:
        name = ctypes.util.find_library("zstd")
    except Exception as error:
        raise Fault(f"a pack that cannot be unpacked: {error}")
    if name is None:
        raise SystemExit("this recording holds packed blocks: install libzstd (apt-get install libzstd1), or use Python 3.14")
    library = ctypes.CDLL(name)
    for call in (library.ZSTD_decompress, library.ZSTD_isError):
        call.restype = ctypes.c_size_t
    content = ctypes.create_string_buffer(most)
    size = library.ZSTD_decompress(content, ctypes.c_size_t(most), data, ctypes.c_size_t(len(data)))
    if library.ZSTD_isError(ctypes.c_size_t(size)):
        raise Fault("a pack that cannot be unpacked")
    return content.raw[:size]


def unpacked(rows, fail):
    """Rows as they would be with a row for each block (R196): the hash of one is what the next one carries."""
    for row in rows:
        ordinal, first, count, first_at, last_at, stored, data = row
        if data[:2] != b"\x08\x41":
            yield row
            continue
        try:
            pack = fields(data)
            held = [filed(block) for block in fields(zstd(last(pack, 6, b""), 2 * last(pack, 3, 0) + 1024)).get(7, [])]
        except (Fault, AttributeError, TypeError, IndexError) as fault:
            fail(first, str(fault))
        if not held or len(held) != last(pack, 2, 0) or held[0][1][0] != first or last(pack, 5, b"") != held[0][2]:
            fail(first, "the pack does not hold what it says")
        if (sum(one[1][1] for one in held), held[0][1][2], held[-1][1][3]) != (count, first_at, last_at):
            fail(first, "the pack is not filed as what it holds")
        for i, (_, (begin, events, at, to, _, block), _) in enumerate(held):
            yield ordinal, begin, events, at, to, held[i + 1][2] if i + 1 < len(held) else stored, block
            stub = block[:2] == b"\x08\x40"
            ordinal += sum(last(fields(one), 3, 1) for one in fields(block).get(8, [])) if stub else 1


def with_landed(rows, landed):
    """Rows of a chain in the database, and behind them what landed and goes on from there (R138)."""
    place, sequence, link = 1, 0, bytes(32)

    def passed(row):  # A stub counts as all that it stands for.
        return row[0] + (len(fields(row[6]).get(8, [])) if row[6][:2] == b"\x08\x40" else 1), row[1] + row[2] - 1, row[5]

    for row in rows:
        yield row
        place, sequence, link = passed(row)
    for row, before in landed:
        if (row[0], before) == (sequence + 1, link):
            yield (place, *row)
            place, sequence, link = passed((place, *row))


def check_recording(path, keys, notes):
    follows, anywhere = landed(path)  # Before the database: what is carried over meanwhile is there then.
    db = reading(path, 0x53676D52)
    db.execute("BEGIN")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > 4:
        raise Fault(f"{path}: schema version {version}; this script reads versions up to 4")
    shelf = reading(path + ".proofs", 0x53676D50) if os.path.exists(path + ".proofs") else None
    if shelf:
        notes = notes + [row[0] for row in shelf.execute("SELECT note FROM checkpoints ORDER BY origin, size")]
    signed = {}
    for note in notes:
        origin, size, root, signers = parse_checkpoint(note, keys)
        signed.setdefault(origin, []).append((size, root))
    previous, ended, events, site, ends, untold = None, None, 0, [], {}, {}
    # R13: code units of UTF-16 give the order of tenants and sources.
    rows = [row for row in db.execute("SELECT chain, tenant, source, epoch FROM chains")]
    rows += [(None, *chain) for chain in follows if chain not in {row[1:] for row in rows}]
    rows.sort(key=lambda row: (row[1].encode("utf-16-be"), row[2].encode("utf-16-be"), row[3]))
    for number, *chain in rows:
        chain = tuple(chain)
        origin = origin_of(*chain)
        heads_signed = sorted(signed.pop(origin, []))
        if previous is None or previous[:2] != chain[:2]:
            ended = refuse_untold(previous, untold)
        tree, sequence, link = check_chain(db, number, chain, ended, heads_signed, follows.get(chain, []), untold)
        if shelf and tree:
            check_tiles(shelf, origin, tree, chain)
        previous, ended, events, ends[chain] = chain, link, events + sequence, sequence
        if sequence:
            site.append(b"\0".join([chain[0].encode(), chain[1].encode(), b"%d" % chain[2], b"%d" % sequence, link]))
        print(f"{origin}: {sequence} events, root {tree.root().hex() if tree else 'not known: some were dropped'}, {len(heads_signed)} checkpoints")
    refuse_untold(previous, untold)
    for origin in signed:
        raise Fault(f"{origin}, event 1: missing: the whole chain is gone")
    for chain, (first, count, *_), _ in anywhere:
        if first + count - 1 > ends.get(chain, 0):
            raise Fault(f"{chain[0]}/{chain[1]} epoch {chain[2]}, event {ends.get(chain, 0) + 1}: what has landed does not go on from there, and reaches {first + count - 1}")
    said = "" if keys else "; signatures not checked: no --key given" if notes else ""
    print(f"ok: {len(rows)} chains, {events} events, head {sha(*site).hex()}{said}")


def tile_path(kind, index, width):
    digits = f"{index:0{(len(str(index)) + 2) // 3 * 3}d}"
    parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    path = "/".join(["x" + part for part in parts[:-1]] + parts[-1:])
    return f"{kind}/{path}" + ("" if width == 256 else f".p/{width}")


def check_tlog(directory, keys):
    read = lambda path: open(os.path.join(directory, path), "rb").read()
    origin, size, root, signers = parse_checkpoint(read("checkpoint").decode(), keys)
    tree = Tree()
    for bundle in range((size + 255) // 256):
        width, prefix = min(256, size - bundle * 256), 2
        path = tile_path("tile/entries", bundle, width)
        if not os.path.exists(os.path.join(directory, path)):
            path, prefix = tile_path("entries32", bundle, width), 4
        data, at = read(path), 0
        for _ in range(width):
            length = int.from_bytes(data[at : at + prefix], "big")
            entry = data[at + prefix : at + prefix + length]
            if len(entry) != length or last(fields(entry), 1, 0) != tree.size + 1:
                raise Fault(f"{origin}, event {tree.size + 1}: the entry is not that event")
            tree.push(sha(b"\0", entry))
            at += prefix + length
        if at != len(data):
            raise Fault(f"{origin}, event {tree.size}: {path} holds more than its events")
    for level, row in tree.tiles.items():
        for tile in range((len(row) + 255) // 256):
            hashes = row[tile * 256 : tile * 256 + 256]
            if read(tile_path(f"tile/{level}", tile, len(hashes))) != b"".join(hashes):
                raise Fault(f"{origin}, event {tile * 256 ** (level + 1) + 1}: tile {level}/{tile} is not over the entries")
    if tree.root() != root:
        raise Fault(f"{origin}, events 1 to {size}: the entries do not have the root that was signed")
    print(f"ok: {origin}, {size} events, " + (f"signed by {', '.join(signers)}" if keys else "signatures not checked: no --key given"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path")
    parser.add_argument("--key", action="append", default=[], help="public key that is trusted, as a note key")
    parser.add_argument("--checkpoint", action="append", default=[], help="file with a signed checkpoint to be met")
    arguments = parser.parse_args()
    try:
        keys = [parse_key(line) for line in arguments.key]
        if os.path.isdir(arguments.path):
            check_tlog(arguments.path, keys)
        else:
            notes = [open(path, encoding="utf-8").read() for path in arguments.checkpoint]
            check_recording(arguments.path, keys, notes)
    except (OSError, sqlite3.Error) as error:
        print(f"{arguments.path}: {error}", file=sys.stderr)
        return 2
    except (Fault, ValueError) as fault:
        print(f"failed: {fault}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
