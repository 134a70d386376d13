"""Rows that a person calls different: taken apart, and found again under their new key."""

from __future__ import annotations

import json

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.decided import BOTH, unspell
from consolidator_tui.domain.merge import IdentityKind
from consolidator_tui.services.merge.decided_rows import bindable, find_rows, rows_of
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.storage.sqlite import Database, Row


async def keep_apart(
    database: Database, translator: Translator, work: Work, *, renames: bool
) -> None:
    """Take apart what decisions call different, and hand rows that got another key on.

    A decision may speak of the key that another one gave: of three rows with one key, one decision
    gives two of them a new one, and the next tells those two apart. `renames`: some decision sets
    values.
    """
    await database.script(
        [
            f"DROP TABLE IF EXISTS {_parted(work)}",
            f"CREATE TABLE {_parted(work)}(n INTEGER PRIMARY KEY, depth INTEGER)",
        ]
    )
    depth = 0
    while await _next_to_part(database, work, depth):
        await _split(database, work)
        if not renames:
            return
        await _hand_on(database, translator, work)
        depth += 1


def _parted(work: Work) -> str:
    """The decisions that call rows different, and how many others gave them their rows."""
    return f"temp.parted_{work.table.number}"


def depth_of(work: Work, n: str) -> str:
    """SQL for how many decisions stand between a decision and the keys in the files."""
    return f"coalesce((SELECT p.depth FROM {_parted(work)} p WHERE p.n = {n}), 0)"


async def _next_to_part(database: Database, work: Work, depth: int) -> bool:
    """Fill temp.apart with the decisions that have several rows now and were not applied yet.

    `one`: its rows are one entity, which must be taken apart. Where they are different entities
    already, what was merged with one of them stays merged.
    """
    await database.execute("DROP TABLE IF EXISTS temp.apart")
    await database.execute(
        "CREATE TEMP TABLE apart AS SELECT d.n AS n, min(m.canon) AS canon, "
        "count(DISTINCT coalesce(m.canon, d.g)) = 1 AS one "
        f"FROM {rows_of(work)} d JOIN pv.decision x ON x.n = d.n "
        f"LEFT JOIN {work.map} m ON m.g = d.g WHERE x.keep = '{BOTH}' "
        f"AND d.n NOT IN (SELECT p.n FROM {_parted(work)} p) GROUP BY d.n HAVING count(*) > 1"
    )
    return bool(
        await database.changes(f"INSERT INTO {_parted(work)} SELECT n, {depth} FROM temp.apart")
    )


async def _split(database: Database, work: Work) -> None:
    await database.execute(
        f"DELETE FROM {work.map} WHERE canon IN (SELECT canon FROM temp.apart WHERE one)"
    )
    await database.execute(
        f"DELETE FROM pv.doubt WHERE number = {work.table.number} AND g IN "
        f"(SELECT d.g FROM {rows_of(work)} d JOIN pv.decision x ON x.n = d.n "
        f"WHERE x.keep = '{BOTH}')"
    )


async def _hand_on(database: Database, translator: Translator, work: Work) -> None:
    """Rows that were taken apart and got another key belong to what has that key.

    Where the key is the identity, they are one entity with the other sources' rows of the decision
    and with the row that an earlier run wrote under the new key. A decision about the new key then
    speaks of all of them.
    """
    identity = None
    if work.table.identity.kind is IdentityKind.COLUMNS:
        identity = {fold(name) for name in work.table.identity.columns}
    renamed: dict[str, list[tuple[int, str]]] = {}
    for n, one, columns, entity, body in await database.rows(
        "SELECT x.n, a.one, x.columns, x.entity, x.body FROM pv.decision x JOIN temp.apart a "
        "ON a.n = x.n WHERE x.more"
    ):
        values = {fold(name): value for name, value in json.loads(body).get("values", {}).items()}
        names = json.loads(columns)
        folded = {fold(name) for name in names}
        if not folded & set(values):
            continue
        new = json.dumps(
            [values.get(fold(k), old) for k, old in zip(names, json.loads(entity), strict=True)],
            ensure_ascii=False,
            separators=(",", ":"),
        )
        if identity is not None and identity <= folded and identity & set(values):
            if one:
                renamed.setdefault(columns, []).append((n, new))
        else:
            await _give_rows(database, work, n, columns, new)
    for columns, items in renamed.items():
        await _join(database, translator, work, columns, items)


async def _give_rows(database: Database, work: Work, n: int, columns: str, entity: str) -> None:
    """A decision about the key that decision `n` gives speaks of the entities that get it."""
    class_of = f"coalesce((SELECT m.canon FROM {work.map} m WHERE m.g = d.g), d.g)"
    await database.execute(
        f"INSERT INTO {rows_of(work)} SELECT x.n, r.g, r.src FROM pv.decision x, ("
        f"SELECT d.g AS g, d.src AS src, {class_of} AS class, first_value({class_of}) "
        f"OVER (ORDER BY d.src, d.g) AS head FROM {rows_of(work)} d WHERE d.n = :n) r "
        "WHERE r.class <> r.head AND x.place = :place AND x.columns = :columns "
        "AND x.entity = :entity AND x.n <> :n ON CONFLICT DO NOTHING",
        {"n": n, "place": work.key, "columns": columns, "entity": bindable(entity)},
    )


async def _join(
    database: Database,
    translator: Translator,
    work: Work,
    columns: str,
    items: list[tuple[int, str]],
) -> None:
    names = json.loads(columns)
    wanted = ", ".join(f"w{place}" for place in range(len(names)))
    marks = ", ".join("?" for _ in range(len(names) + 1))
    await database.execute(f"CREATE TEMP TABLE wanted(n, {wanted})")
    rows = []
    for n, entity in items:
        values = [unspell(plain) for plain in json.loads(entity)]
        rows.append((n, *(bindable(v) if isinstance(v, str) else v for v in values)))
    await database.many(f"INSERT INTO temp.wanted VALUES ({marks})", rows)
    await database.execute(
        "CREATE TEMP TABLE renamed(n INTEGER, g INTEGER, src INTEGER, PRIMARY KEY(n, g))"
    )
    await find_rows(database, translator, work, names, "temp.renamed")
    await database.execute("CREATE TEMP TABLE kept(n INTEGER, g INTEGER, src INTEGER)")
    for n, _entity in items:
        await _share_out(database, translator, work, n, names)
    for n, entity in items:
        await make_one(database, work, "temp.kept", n)
        await make_one(database, work, "temp.renamed", n)
        await database.execute(
            f"INSERT INTO {rows_of(work)} SELECT x.n, r.g, r.src FROM pv.decision x, "
            "temp.renamed r WHERE x.place = ? AND x.columns = ? AND x.entity = ? AND r.n = ? "
            "ON CONFLICT DO NOTHING",
            (work.key, columns, bindable(entity), n),
        )
    await database.script(
        ["DROP TABLE temp.wanted", "DROP TABLE temp.renamed", "DROP TABLE temp.kept"]
    )


async def _share_out(
    database: Database, translator: Translator, work: Work, n: int, names: list[str]
) -> None:
    """Which rows of a decision keep the key (temp.kept), and which have the new one.

    The first source's row keeps it, the others do not. Where the first source has both already,
    because an earlier run wrote them there, every other row goes to the one that it equals but
    for the key; where that does not tell, the first of them keeps the key if there are several.
    """
    rows = await database.rows(f"SELECT g, src FROM {rows_of(work)} WHERE n = {n} ORDER BY src, g")
    head, others = rows[0], rows[1:]
    written = await database.row(
        "SELECT g, src FROM temp.renamed WHERE n = ? AND src = ?", (n, head[1])
    )
    kept, renamed = [head], others
    if written is not None:
        first = await _content(database, translator, work, head, names)
        second = await _content(database, translator, work, written, names)
        renamed = []
        for place, row in enumerate(others):
            found = await _content(database, translator, work, row, names)
            if (found == first) != (found == second):
                stays = found == first
            else:
                stays = place == 0 and len(others) > 1
            (kept if stays else renamed).append(row)
    for into, chosen in (("kept", kept), ("renamed", renamed)):
        await database.many(
            f"INSERT INTO temp.{into} VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(n, g, source) for g, source in chosen],
        )


async def _content(
    database: Database, translator: Translator, work: Work, row: Row, names: list[str]
) -> str:
    """What a row says besides its key, spelled so that equal contents are equal texts."""
    g, source = row
    key = {fold(name) for name in names}
    chosen = [
        translator.value(work, source, column.name)
        for column in work.table.columns
        if fold(column.name) not in key and column.name != work.table.surrogate
    ]
    found = await database.row(
        f"SELECT {', '.join(chosen) or 'NULL'} FROM {work.seek(source)} "
        f"WHERE s.{work.address(source)} = {work.raw(source, str(int(g)))}"
    )
    return repr(found)


async def make_one(database: Database, work: Work, rows: str, n: int) -> None:
    """The rows that the table `rows` has for `n`, and all merged with them, become one entity."""
    # Read anew for each: an earlier one may have joined some of them.
    heads = await database.rows(
        f"SELECT DISTINCT coalesce(m.canon, d.g) FROM {rows} d "
        f"LEFT JOIN {work.map} m ON m.g = d.g WHERE d.n = {n} ORDER BY d.src, d.g"
    )
    if len(heads) < 2:
        return
    work.joined = True
    head = heads[0][0]
    await database.execute(
        "INSERT INTO pv.joined VALUES (?, ?) ON CONFLICT DO NOTHING", (work.table.number, head)
    )
    for (other,) in heads[1:]:
        await database.execute(
            f"UPDATE {work.map} SET canon = ?, keep = 0 WHERE canon = ?", (head, other)
        )
        await database.execute(
            f"INSERT INTO {work.map} VALUES (?, ?, 0) ON CONFLICT(g) DO UPDATE SET "
            "canon = excluded.canon, keep = 0",
            (other, head),
        )
    await database.execute(
        f"INSERT INTO {work.map} VALUES (?, ?, 1) ON CONFLICT(g) DO UPDATE SET keep = 1",
        (head, head),
    )
