"""The people of the sample, the prompts they write and the documents they send.

A person is known by the e-mail address, which is the username and a domain.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account in one or more of the files."""

    username: str
    full_name: str
    domain: str = "example.com"

    @property
    def email(self) -> str:
        return f"{self.username}@{self.domain}"


FIRST = (
    Person("ann.whitfield", "Ann Whitfield"),
    Person("tomas.novak", "Tomáš Novák", "example.org"),
    Person("grace.obi", "Grace Obi"),
    Person("henrik.dahl", "Henrik Dahl", "example.net"),
    Person("yuki.tanaka", "Yuki Tanaka"),
    Person("carlos.mendez", "Carlos Méndez", "example.org"),
    Person("fatima.zahra", "Fatima Zahra"),
    Person("emily.stone", "Emily Stone"),
    Person("lukasz.nowak", "Łukasz Nowak", "example.net"),
    Person("omar.haddad", "Omar Haddad"),
    Person("sofia.rossi", "Sofia Rossi", "example.org"),
    Person("priya.raman", "Priya Raman"),
    Person("daniel.osei", "Daniel Osei"),
    Person("ingrid.berg", "Ingrid Berg", "example.net"),
    Person("marcus.lee", "Marcus Lee"),
    Person("chloe.martin", "Chloé Martin", "example.org"),
    Person("victor.hale", "Victor Hale"),
    Person("nadia.petrova", "Nadia Petrova"),
    Person("samuel.okafor", "Samuel Okafor", "example.net"),
    Person("lena.fischer", "Lena Fischer"),
    Person("juergen.weiss", "Jürgen Weiß", "example.org"),
    Person("aoife.byrne", "Aoife Byrne"),
    Person("mei.chen", "Mei Chen"),
    Person("pablo.ortiz", "Pablo Ortiz", "example.net"),
)
"""Ids 1 to 24, before the file was renamed. Number 17 closed the account afterwards."""

ADMIN = Person("admin", "Administrator", "inkwell.example")
OTHER_ADMIN = Person("admin", "Agents' administrator", "agents.example")

TWICE = (
    Person("rosa.delgado", "Rosa Delgado"),
    Person("ben.carter", "Ben Carter", "example.org"),
    Person("hana.kim", "Hana Kim"),
)
"""Did not find their account after the rename, or found the old site, and registered again."""

SITE = (
    Person("oliver.grant", "Oliver Grant"),
    Person("zainab.ali", "Zainab Ali", "example.org"),
    Person("mateo.silva", "Mateo Silva"),
    Person("freya.nilsen", "Freya Nilsen", "example.net"),
    Person("kwame.boateng", "Kwame Boateng"),
    Person("isabel.costa", "Isabel Costa"),
    Person("noah.adler", "Noah Adler", "example.org"),
    Person("leila.amiri", "Leila Amiri"),
    Person("dmitri.volkov", "Dmitri Volkov", "example.net"),
    Person("amelia.ross", "Amelia Ross"),
    Person("ravi.menon", "Ravi Menon"),
    Person("klara.horvat", "Klara Horvat", "example.org"),
)
"""Registered on the site after the rename."""

OLD_SITE = (
    Person("bruno.keller", "Bruno Keller"),
    Person("nia.campbell", "Nia Campbell", "example.org"),
    Person("stefan.ilic", "Stefan Ilić"),
    Person("helen.zhou", "Helen Zhou", "example.net"),
    Person("tariq.aziz", "Tariq Aziz"),
    Person("maeve.doyle", "Maeve Doyle"),
    Person("jonas.lind", "Jonas Lind", "example.net"),
)
"""Registered while a server was still started with the old file."""

SENDERS = (
    Person("archive", "Records office", "cityhall.example"),
    Person("gwen.hughes", "Gwen Hughes"),
    Person("paolo.bianchi", "Paolo Bianchi", "example.org"),
    Person("anika.sen", "Anika Sen"),
    Person("louis.moreau", "Louis Moreau", "example.net"),
    Person("teresa.vega", "Teresa Vega"),
    Person("erik.holm", "Erik Holm", "example.net"),
    Person("joy.mwangi", "Joy Mwangi"),
    Person("peter.balogh", "Péter Balogh", "example.org"),
    Person("sara.cohen", "Sara Cohen"),
    Person("liam.fraser", "Liam Fraser"),
    Person("wanda.kowalska", "Wanda Kowalska", "example.org"),
)
"""Only ever sent documents by mail; the last one after the last checkpoint."""

PASSWORDS = {
    ADMIN.email: "inkwell-admin",
    OTHER_ADMIN.email: "agents-admin",
    "ann.whitfield@example.com": "inkwell-ann",
}
"""The accounts whose password is known. Nobody knows the others'."""

TITLES = {
    "writing": "Cover letter,Product announcement,Press release,Wedding speech,Thank-you note,"
    "Newsletter intro,Obituary,Haiku,Limerick,Short story opening,Book blurb,Apology letter,"
    "Speech outline",
    "work": "Meeting minutes,Weekly report,Performance review,Job posting,Interview questions,"
    "Project kick-off,Risk list,Stand-up summary,Customer reply,Refund answer,Sales pitch,"
    "Roadmap in one page,Out-of-office note",
    "code": "Code review,Commit message,Unit test ideas,Regex explained,SQL tutor,Bug report,"
    "Release notes,README draft,API description,Log summary,Naming helper,Migration checklist,"
    "Error message",
    "learning": "Lesson plan,Flash cards,Explain like five,Vocabulary drill,Essay feedback,"
    "Study schedule,Quiz maker,Paper summary,Debate partner,Maths hints,History timeline,"
    "Reading list,Translation check",
}

_ASKS = {
    "writing": "Write a {title} about {{subject}} for {{reader}}. Keep a {tone} tone.",
    "work": "Turn these notes into a {title}: {{notes}}. Use short sentences and a {tone} tone.",
    "code": "Act as a {tone} colleague. Produce a {title} for this input:\n\n{{code}}",
    "learning": "Prepare a {title} on {{topic}} for a {{level}} student, in a {tone} voice.",
}
_TONES = ("warm", "plain", "careful", "playful", "formal")


def titles() -> list[tuple[str, str]]:
    """All prompt titles with their category, the categories taking turns."""
    columns = [[(title, name) for title in text.split(",")] for name, text in TITLES.items()]
    return [pair for row in zip(*columns, strict=True) for pair in row]


def body(title: str, category: str) -> str:
    """The text of a prompt."""
    tone = _TONES[number(title, len(_TONES))]
    return _ASKS[category].format(title=title.lower(), tone=tone)


def slug(title: str) -> str:
    """A prompt's key in web addresses."""
    return title.lower().replace(" ", "-")


def number(text: str, below: int) -> int:
    """A number from 0 to `below` - 1 that looks random and is always the same for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") % below


@cache
def password_hash(email: str, *, file: str = "") -> str:
    """A stored password in the application's form; `file` tells apart who registered twice."""
    salt = hashlib.sha256(f"{file}{email}".encode()).digest()[:16]
    password = PASSWORDS.get(email)
    if password is None:
        key = hashlib.sha256(b"unknown" + salt).digest()
    else:
        key = hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)
    return f"scrypt$16384$8$1${salt.hex()}${key.hex()}"
