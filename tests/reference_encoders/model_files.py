"""The files that a random model is tested with: a Hugging Face folder, and GGUF version 3 (written with f32 tensors)."""
import json
import struct

import numpy as np


def write_hf_folder(folder, config, weights):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    write_safetensors(folder / "model.safetensors", weights)


def write_safetensors(path, weights):
    header, offset = {}, 0
    for name, array in weights.items():
        size = array.size * 4
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in weights.values():
            file.write(array.astype("<f4").tobytes())


U32, F32, BOOL, STRING, ARRAY = 4, 6, 7, 8, 9


def gguf_string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_value(value):
    """(type number, bytes) of a Python value."""
    if isinstance(value, bool):
        return BOOL, struct.pack("<B", value)
    if isinstance(value, int):
        return U32, struct.pack("<I", value)
    if isinstance(value, float):
        return F32, struct.pack("<f", value)
    if isinstance(value, str):
        return STRING, gguf_string(value)
    kinds = [gguf_value(item) for item in value]
    return ARRAY, struct.pack("<IQ", kinds[0][0], len(kinds)) + b"".join(data for _, data in kinds)


def write_gguf(path, metadata, weights, alignment=32):
    out = b"GGUF" + struct.pack("<IQQ", 3, len(weights), len(metadata))
    for key, value in metadata.items():
        kind, data = gguf_value(value)
        out += gguf_string(key) + struct.pack("<I", kind) + data
    offset = 0
    for name, array in weights.items():
        out += gguf_string(name) + struct.pack("<I", array.ndim)
        out += b"".join(struct.pack("<Q", dim) for dim in reversed(array.shape))
        out += struct.pack("<IQ", 0, offset)
        offset += -(-array.size * 4 // alignment) * alignment
    out += b"\0" * (-len(out) % alignment)
    for array in weights.values():
        data = array.astype("<f4").tobytes()
        out += data + b"\0" * (-len(data) % alignment)
    path.write_bytes(out)


FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


class GgufFile:
    """`metadata` and `tensors` ({name: (shape, type number, offset)}) of a file."""

    def __init__(self, path):
        self.data, self.at = path.read_bytes(), 4
        assert self.data[:4] == b"GGUF" and self.number(4) == 3
        tensors, keys = self.number(10), self.number(10)
        self.metadata = {}
        for _ in range(keys):
            key = self.number(STRING)
            self.metadata[key] = self.number(self.number(4))
        self.tensors = {}
        for _ in range(tensors):
            name = self.number(STRING)
            shape = tuple(reversed([self.number(10) for _ in range(self.number(4))]))
            self.tensors[name] = (shape, self.number(4), self.number(10))
        alignment = self.metadata.get("general.alignment", 32)
        self.start = -(-self.at // alignment) * alignment

    def values(self, name):
        """Those of a tensor in f32."""
        shape, kind, offset = self.tensors[name]
        assert kind == 0, name
        return np.frombuffer(self.data, "<f4", int(np.prod(shape)), self.start + offset).reshape(shape)

    def number(self, kind):
        """The next value of a type number."""
        if kind == STRING:
            size = self.number(10)
            self.at += size
            return self.data[self.at - size:self.at].decode()
        if kind == ARRAY:
            item, count = self.number(4), self.number(10)
            return [self.number(item) for _ in range(count)]
        (value,) = struct.unpack_from("<" + FIXED[kind], self.data, self.at)
        self.at += struct.calcsize("<" + FIXED[kind])
        return value
