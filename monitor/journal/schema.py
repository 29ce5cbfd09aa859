"""The shape of the journal, as numbered migrations: a file's `user_version` says how many of them it has seen.

A migration that has been released is never changed; the next one mends it.
"""

import sqlite3
from pathlib import Path

from monitor.journal.errors import JournalError

MIGRATIONS: tuple[str, ...] = (
    # 1: the log, its index for "why", the snapshots, and how far old looks were pruned.
    """
    CREATE TABLE log (
        seq INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX log_decisions ON log (subject, seq) WHERE kind = 'decision';
    CREATE INDEX log_told ON log (seq) WHERE kind NOT IN ('looked', 'tick');
    CREATE TABLE snapshot (seq INTEGER PRIMARY KEY, at REAL NOT NULL, body BLOB NOT NULL);
    CREATE TABLE pruned (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), seq INTEGER NOT NULL);
    INSERT INTO pruned VALUES (1, 0);
    """,
    # 2: the tape: blocks of looks by hour and check, and up to which row of the log (and with how many bytes) it reaches.
    """
    CREATE TABLE tape_check (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
    CREATE TABLE tape (
        id INTEGER PRIMARY KEY,
        hour INTEGER NOT NULL,
        look_of INTEGER NOT NULL,
        part INTEGER NOT NULL,
        looks BLOB NOT NULL
    );
    CREATE TABLE tape_beside (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE UNIQUE INDEX tape_hour ON tape (hour, look_of, part);
    CREATE TABLE taped (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), seq INTEGER NOT NULL, bytes INTEGER NOT NULL);
    INSERT INTO taped SELECT 1, seq, 0 FROM pruned;
    """,
    # 3: the first snapshot of each day, kept as long as the tape: what had been learned of each target by then.
    """
    CREATE TABLE daily (day INTEGER PRIMARY KEY, at REAL NOT NULL, body BLOB NOT NULL);
    """,
)


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the file to the newest shape, each step whole or not at all; JournalError when it is newer than this program."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise JournalError(f"{path}: was written by a newer pantau (shape {version}, known {len(MIGRATIONS)}); start that one")
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
