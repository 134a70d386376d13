"""The tables of the sample's databases.

`WEB` is what the sample's own `create_tables.py` makes through SQLAlchemy (a test compares them);
the others are an older state of it, and what the agents make for themselves.
"""

from __future__ import annotations

_USERS_7 = """
CREATE TABLE users (
    id INTEGER NOT NULL,
    email VARCHAR(120) NOT NULL,
    username VARCHAR(50) NOT NULL,
    full_name VARCHAR(120),
    password_hash VARCHAR(255) NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME,
    PRIMARY KEY (id),
    UNIQUE (email),
    UNIQUE (username)
);
"""

_USERS_13 = """
CREATE TABLE users (
    id INTEGER NOT NULL,
    email VARCHAR(120) NOT NULL,
    username VARCHAR(50) NOT NULL,
    full_name VARCHAR(120),
    password_hash VARCHAR(255) NOT NULL,
    role VARCHAR(20) DEFAULT 'member' NOT NULL,
    is_active BOOLEAN DEFAULT '1' NOT NULL,
    phone VARCHAR(30),
    company VARCHAR(80),
    locale VARCHAR(10) DEFAULT 'en' NOT NULL,
    last_login_at DATETIME,
    created_at DATETIME NOT NULL,
    updated_at DATETIME,
    PRIMARY KEY (id),
    UNIQUE (email),
    UNIQUE (username)
);
"""

_PROMPTS_AND_TRANSACTIONS = """
CREATE TABLE prompts (
    id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    slug VARCHAR(80) NOT NULL,
    title VARCHAR(120) NOT NULL,
    body TEXT NOT NULL,
    category VARCHAR(30) NOT NULL,
    forked_from INTEGER,
    created_at DATETIME NOT NULL,
    updated_at DATETIME,
    PRIMARY KEY (id),
    FOREIGN KEY(user_id) REFERENCES users (id),
    UNIQUE (slug),
    FOREIGN KEY(forked_from) REFERENCES prompts (id)
);
CREATE INDEX ix_prompts_user_id ON prompts (user_id);
CREATE TABLE transactions (
    id INTEGER NOT NULL,
    user_id VARCHAR(36) NOT NULL,
    prompt_id INTEGER,
    kind VARCHAR(20) NOT NULL,
    amount_cents INTEGER NOT NULL,
    currency VARCHAR(3) NOT NULL,
    note VARCHAR(200),
    created_at DATETIME NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_transactions_user_id ON transactions (user_id);
"""

_UPLOADS = """
CREATE TABLE uploads (
    id INTEGER NOT NULL,
    user_id VARCHAR(36) NOT NULL,
    prompt_id INTEGER,
    content_hash VARCHAR(64) NOT NULL,
    filename VARCHAR(200) NOT NULL,
    mime_type VARCHAR(60) NOT NULL,
    size_bytes INTEGER NOT NULL,
    status VARCHAR(20) NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME,
    PRIMARY KEY (id),
    FOREIGN KEY(prompt_id) REFERENCES prompts (id),
    UNIQUE (content_hash)
);
CREATE INDEX ix_uploads_user_id ON uploads (user_id);
"""

_REVIEWS = """
CREATE TABLE prompt_reviews (
    id INTEGER NOT NULL,
    prompt_id INTEGER NOT NULL,
    user_id VARCHAR(36),
    score INTEGER NOT NULL,
    comment TEXT,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (id)
);
"""

_AGENT_UPLOADS = """
CREATE TABLE uploads (
    id INTEGER NOT NULL,
    user_id VARCHAR(36) NOT NULL,
    content_hash VARCHAR(64) NOT NULL,
    filename VARCHAR(200) NOT NULL,
    mime_type VARCHAR(60) NOT NULL,
    size_bytes INTEGER NOT NULL,
    status VARCHAR(20) NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME,
    PRIMARY KEY (id),
    UNIQUE (content_hash)
);
"""

_AGENT_RUNS = """
CREATE TABLE agent_runs (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    upload_id VARCHAR(36) NOT NULL,
    status VARCHAR(20) NOT NULL,
    detail TEXT,
    started_at DATETIME NOT NULL,
    finished_at DATETIME
);
"""

MAIN = _USERS_13 + _PROMPTS_AND_TRANSACTIONS + _UPLOADS
"""backend/app.db: the web application, before the agents' tables joined its models."""

OLD = _USERS_7 + _PROMPTS_AND_TRANSACTIONS + _REVIEWS
"""backend/prompts.db: the web application of last year, and the prompt agent's table."""

DATA = _USERS_7 + _AGENT_UPLOADS + _AGENT_RUNS
"""backend/data/app.db: made by the upload agent alone."""

WEB = MAIN + _REVIEWS + _AGENT_RUNS
"""All models of today, as the tests create them."""

VECTORS = """
CREATE TABLE migrations (
    dir TEXT NOT NULL, version INTEGER NOT NULL, filename TEXT NOT NULL, sql TEXT NOT NULL,
    hash TEXT NOT NULL, PRIMARY KEY (dir, version)
);
CREATE TABLE tenants (id TEXT PRIMARY KEY, UNIQUE (id));
CREATE TABLE databases (
    id TEXT PRIMARY KEY, name TEXT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants(id) ON DELETE CASCADE, UNIQUE (tenant_id, name)
);
CREATE TABLE collections (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, dimension INTEGER,
    database_id TEXT NOT NULL REFERENCES databases(id) ON DELETE CASCADE, config_json_str TEXT,
    UNIQUE (name, database_id)
);
CREATE TABLE collection_metadata (
    collection_id TEXT REFERENCES collections(id) ON DELETE CASCADE, key TEXT NOT NULL,
    str_value TEXT, int_value INTEGER, float_value REAL, PRIMARY KEY (collection_id, key)
);
CREATE TABLE segments (
    id TEXT PRIMARY KEY, type TEXT NOT NULL, scope TEXT NOT NULL,
    collection TEXT REFERENCES collections(id) NOT NULL
);
CREATE TABLE segment_metadata (
    segment_id TEXT REFERENCES segments(id) ON DELETE CASCADE, key TEXT NOT NULL,
    str_value TEXT, int_value INTEGER, float_value REAL, PRIMARY KEY (segment_id, key)
);
CREATE TABLE embeddings (
    id INTEGER PRIMARY KEY, segment_id TEXT NOT NULL, embedding_id TEXT NOT NULL,
    seq_id BLOB NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (segment_id, embedding_id)
);
CREATE TABLE embedding_metadata (
    id INTEGER REFERENCES embeddings(id), key TEXT NOT NULL, string_value TEXT,
    int_value INTEGER, float_value REAL, bool_value INTEGER, PRIMARY KEY (id, key)
);
CREATE TABLE max_seq_id (segment_id TEXT PRIMARY KEY, seq_id BLOB NOT NULL);
CREATE TABLE embeddings_queue (
    seq_id INTEGER PRIMARY KEY, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    operation INTEGER NOT NULL, topic TEXT NOT NULL, id TEXT NOT NULL, vector BLOB,
    encoding TEXT, metadata TEXT
);
CREATE VIRTUAL TABLE embedding_fulltext_search USING fts5(string_value, tokenize='trigram');
"""
