"""Which language a text is in, by its script and its commonest words: cheap, without a download.

It can: tell the sixteen languages below apart in texts of twenty words and more of running prose, and scripts from
each other. It cannot: tell short texts, lists, tables, formulas or code (no language: they pass), a language that is
not listed but written in Latin letters, mixtures, or close relatives written alike (Norwegian and Danish count as
one). A text is only said to be in the wrong language when both languages are known.
"""

import numpy as np

from synthmix.generation.ngrams import HashSet, Words, words_of

COMMON = {
    "en": "the of and to in is that it was for on are with as his they be at this have from or had by but not what all"
    " were when your can said there which their if will about would these has been who more than its he she you we",
    "de": "der die und das den von zu mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat"
    " dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis",
    "fr": "le la les des et en un une du que est pour qui dans au par plus pas sur ne se ce il sont avec son aux ou"
    " mais nous cette ces ont été comme elle leur lui deux même fait entre sans sous être",
    "es": "el la de que y en los se del las un por con una su para es al lo como más pero sus le ha me sin sobre este"
    " ya entre cuando todo esta ser son dos también fue había era muy años hasta desde está",
    "it": "il di che e la in per un è del non una della con sono le si da come al anche più dei nel alla ha ma gli lo"
    " delle questo suo dalla nella ai degli essere stato tra ad sua o era quando",
    "pt": "o que e do da em um para com não uma os no se na por mais as dos como mas foi ao ele das tem seu sua ou"
    " ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos",
    "nl": "de het een van en in is dat op te voor met zijn niet aan er om ook als dan maar bij uit nog worden door"
    " naar heeft hebben deze werd wordt tot of kan meer over wel geen hij ze zich",
    "sv": "och att det som en på är av för med den till inte har de ett om var han men från vi så kan när år under"
    " också efter eller nu sin där vid mot ska skulle kommer ut får finns vara hade alla",
    "da": "og at det er en til på med af for ikke der den de som har et vi om han var men fra så kan når år efter"
    " eller nu sin hvor ved mod skal ville blev være havde alle også hun jeg dette mig",
    "pl": "w i na się z do nie że to jest o od jak po ale za przez dla są tym które przy był było być tego może oraz"
    " jego tylko lub już ich czy bardzo roku jako ze co ma także jej",
    "cs": "a se v na je že o s z do to i za ve pro by jako jsem po ale si jeho byl však které od už jsou jen nebo tak"
    " podle při být také který bylo má až která pak ještě než",
    "fi": "ja on ei se että oli hän mutta myös ovat joka kun niin kuin olla sen ole tai vain jos mukaan jo ollut sitä"
    " voi nyt hänen kanssa vielä mitä siitä sekä jotka hyvin tämä minä mitään sitten",
    "hu": "a az és hogy nem is egy ez meg de csak volt már mint van ha el azt vagy még után kell lesz pedig így ki"
    " minden azonban most nagy lehet lett olyan ezt sem nincs ami aki fel",
    "tr": "ve bir bu da de için ile çok olarak daha olan gibi en ne kadar sonra var ama ise o her mi değil yeni ya"
    " büyük göre iki ancak olduğu bunu kendi hem ilk şey diye",
    "ro": "de și în a la cu pe nu care din să o este un pentru mai au ce se ca prin fost sau dar despre după lui fi"
    " sunt această ale acest iar cele până doar fără între ei",
    "id": "yang dan di dari untuk dengan pada ini itu dalam tidak adalah akan ke juga oleh dapat telah atau tersebut"
    " ada lebih karena bisa sebagai saya mereka kita seperti tahun hanya orang lain hal",
}
# Lead bytes of UTF-8 that tell a script: first, last, name.
SCRIPTS = (
    (0xCE, 0xCF, "Greek"),
    (0xD0, 0xD3, "Cyrillic"),
    (0xD7, 0xD7, "Hebrew"),
    (0xD8, 0xDB, "Arabic"),
    (0xE0, 0xE0, "Indic"),
    (0xE3, 0xE9, "CJK"),
    (0xEA, 0xED, "Hangul"),
)
NAMES = (*COMMON, *(name for _, _, name in SCRIPTS))
UNKNOWN = -1
MIN_WORDS = 20
_LEAST_SHARE = 0.15  # of the words are among the language's commonest (English prose: 0.35 to 0.5)
_LEAD = 1.25  # times as many as of the next language

_FIELD = 21  # bits of a count: three languages share one sum, and a text may have two million words
# Not the words of one letter: formulas and code are full of them.
_words = words_of([" ".join(word for word in text.split() if len(word) > 1) for text in COMMON.values()])
_keys, _where = np.unique(_words.hashes, return_inverse=True)
_adds = np.zeros((-(-len(COMMON) // 3), len(_keys)), dtype=np.uint64)  # what a word adds to the sums
for _key, _language in sorted(
    set(zip(_where.tolist(), np.repeat(range(len(COMMON)), _words.counts).tolist(), strict=True))
):
    _adds[_language // 3, _key] += np.uint64(1 << _FIELD * (_language % 3))
_common = HashSet(_keys)
_of_lead = np.full(256, UNKNOWN, dtype=np.int64)
for _number, (_first, _last, _) in enumerate(SCRIPTS, start=len(COMMON)):
    _of_lead[_first : _last + 1] = _number


def languages(words: Words) -> np.ndarray:
    """The language or script of each text: an index into :data:`NAMES`, or -1 where it cannot be told; (texts,)."""
    positions, at = _common.find(words.hashes)
    ends = np.searchsorted(positions, words.bounds)
    shares = np.empty((len(words.bounds) - 1, len(COMMON)))
    for column, adds in enumerate(_adds):
        sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(adds[at], dtype=np.uint64)])
        own = sums[ends[1:]] - sums[ends[:-1]]
        for field in range(3 * column, min(3 * column + 3, len(COMMON))):
            shares[:, field] = (own >> np.uint64(_FIELD * (field % 3))) & np.uint64(2**_FIELD - 1)
    shares /= np.maximum(words.counts, 1)[:, None]
    best = shares.argmax(axis=1)
    ordered = np.sort(shares, axis=1)
    clear = (ordered[:, -1] >= _LEAST_SHARE) & (ordered[:, -1] >= _LEAD * ordered[:, -2])
    found = np.where(clear & (words.counts >= MIN_WORDS), best, UNKNOWN)
    return _by_script(words, found)


def _by_script(words: Words, found: np.ndarray) -> np.ndarray:
    """Texts of which more than half of the letters, and twenty or more, are of another script."""
    leads = np.flatnonzero(words.raw >= SCRIPTS[0][0])
    scripts = _of_lead[words.raw[leads]]
    leads, scripts = leads[scripts >= 0], scripts[scripts >= 0]
    if len(leads) < MIN_WORDS:
        return found
    owner = np.searchsorted(words.zeros, leads) - 1
    counts = np.bincount(owner * len(NAMES) + scripts, minlength=len(found) * len(NAMES)).reshape(-1, len(NAMES))
    most, size = counts.argmax(axis=1), counts.max(axis=1)
    latin = np.add.reduceat((words.raw >= 97) & (words.raw <= 122), words.zeros[:-1], dtype=np.int64)
    return np.where((size >= MIN_WORDS) & (size > latin), most, found)
