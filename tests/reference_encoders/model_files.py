"""Writes the files that a random model is tested with: a Hugging Face folder, and GGUF version 3 with f32 tensors."""
import json
import struct


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
