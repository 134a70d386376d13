"""A vector store beside the sample's databases: another program's file, not to be merged."""

from __future__ import annotations

import hashlib
import sqlite3
import struct

from consolidator_tui.sample import people, schema

_COLLECTION = "5b0c5c5e-1f0e-4c57-9d0e-6a3f4c1d7b10"
_VECTORS = "c2a4f0de-7c11-4a35-8a52-0f6f2f6f9a01"
_METADATA = "e91d3b77-2d5c-4f0b-b1b4-8f8d5a7c3e02"
_DATABASE = "00000000-0000-0000-0000-000000000000"
_DIMENSION = 8


def fill_vector_store(connection: sqlite3.Connection) -> None:
    """Create the store's tables and the embeddings of 24 prompt titles."""
    connection.executescript(schema.VECTORS)
    connection.execute("INSERT INTO tenants VALUES ('default_tenant')")
    connection.execute(
        "INSERT INTO databases VALUES (?, 'default_database', 'default_tenant')", (_DATABASE,)
    )
    connection.execute(
        "INSERT INTO collections VALUES (?, 'inkwell_prompts', ?, ?, '{}')",
        (_COLLECTION, _DIMENSION, _DATABASE),
    )
    connection.executemany(
        "INSERT INTO segments VALUES (?, ?, ?, ?)",
        [
            (_VECTORS, "urn:chroma:segment/vector/hnsw-local-persisted", "VECTOR", _COLLECTION),
            (_METADATA, "urn:chroma:segment/metadata/sqlite", "METADATA", _COLLECTION),
        ],
    )
    for position, (title, category) in enumerate(people.titles()[:24], start=1):
        sequence = struct.pack(">q", position)
        connection.execute(
            "INSERT INTO embeddings VALUES (?, ?, ?, ?, '2026-01-18 14:02:11')",
            (position, _METADATA, people.slug(title), sequence),
        )
        connection.executemany(
            "INSERT INTO embedding_metadata (id, key, string_value) VALUES (?, ?, ?)",
            [(position, "category", category), (position, "chroma:document", title)],
        )
        connection.execute(
            "INSERT INTO embeddings_queue"
            " VALUES (?, '2026-01-18 14:02:11', 0, ?, ?, ?, 'FLOAT32', NULL)",
            (position, f"persistent://default/{_COLLECTION}", people.slug(title), _vector(title)),
        )
        connection.execute(
            "INSERT INTO embedding_fulltext_search (rowid, string_value) VALUES (?, ?)",
            (position, title),
        )
    connection.execute("INSERT INTO max_seq_id VALUES (?, ?)", (_METADATA, struct.pack(">q", 24)))


def _vector(text: str) -> bytes:
    digest = hashlib.sha256(text.encode()).digest()[:_DIMENSION]
    return struct.pack(f"<{_DIMENSION}f", *(byte / 255 for byte in digest))
