"""Another language, another script: as if the text had come from another country.

The one idea: no dictionary is asked. A small table of the commonest words gives what they are in five languages; a word that is not in it becomes any
word of that language. So the text reads as that language to a model, and says about as much as the words of the table do.
"""

from __future__ import annotations

import re

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._texts import WORD, WORDS, cased_like, each, one_of, rewritten

# English, German, French, Spanish, Italian, Dutch
TABLE = """
the die la el il de|a ein un un un een|of von de de di van|and und et y e en|to zu à a a naar|in in dans en in in|is ist est es è is
it es il ello esso het|that dass que que che dat|this dieser ce este questo deze|with mit avec con con met|for für pour para per voor
as als comme como come als|but aber mais pero ma maar|not nicht pas no non niet|are sind sont son sono zijn|was war était era era was
be sein être ser essere zijn|on auf sur sobre su op|at bei chez en a bij|by von par por da door|from von depuis desde da vanaf
you du vous tú tu jij|he er il él lui hij|she sie elle ella lei zij|we wir nous nosotros noi wij|they sie ils ellos loro zij|I ich je yo io ik
his sein son su suo zijn|her ihr sa su sua haar|its sein son su suo zijn|their ihr leur su loro hun|my mein mon mi mio mijn|has hat a ha ha heeft
have haben avoir haber avere hebben|had hatte avait había aveva had|will wird va será sarà zal|can kann peut puede può kan
do machen faire hacer fare doen|an eine un una una een|or oder ou o o of|if wenn si si se als|so so donc así così zo
no kein aucun ningún nessuno geen|all alle tout todo tutto alle|more mehr plus más più meer|most meist plupart mayoría massimo meest
very sehr très muy molto zeer|too zu trop demasiado troppo te|than als que que che dan|just nur juste sólo solo net|like wie comme como come zoals
what was quoi qué cosa wat|who wer qui quién chi wie|when wenn quand cuando quando wanneer|how wie comment cómo come hoe
out aus dehors fuera fuori uit|up auf haut arriba su op|about über sur acerca circa over|into in dans hacia dentro in|there dort là allí là daar
here hier ici aquí qui hier|some einige quelques algunos alcuni sommige|one ein un uno uno een|time Zeit temps tiempo tempo tijd
way Weg chemin camino modo weg|year Jahr année año anno jaar|day Tag jour día giorno dag|life Leben vie vida vita leven
people Leute gens gente gente mensen|man Mann homme hombre uomo man|woman Frau femme mujer donna vrouw|child Kind enfant niño bambino kind
world Welt monde mundo mondo wereld|work Arbeit travail trabajo lavoro werk|thing Sache chose cosa cosa ding
story Geschichte histoire historia storia verhaal|film Film film película film film|movie Film film película film film
good gut bon bueno buono goed|bad schlecht mauvais malo cattivo slecht|great großartig grand grande grande geweldig
best beste meilleur mejor migliore beste|new neu nouveau nuevo nuovo nieuw|old alt vieux viejo vecchio oud|big groß gros grande grande groot
little klein petit pequeño piccolo klein|long lang long largo lungo lang|funny lustig drôle gracioso divertente grappig
love Liebe amour amor amore liefde|hate hassen détester odiar odiare haten|never nie jamais nunca mai nooit
always immer toujours siempre sempre altijd|well gut bien bien bene goed|also auch aussi también anche ook|much viel beaucoup mucho molto veel
make machen faire hacer fare maken|see sehen voir ver vedere zien|know wissen savoir saber sapere weten|say sagen dire decir dire zeggen
go gehen aller ir andare gaan|want wollen vouloir querer volere willen|money Geld argent dinero soldi geld|water Wasser eau agua acqua water
house Haus maison casa casa huis|nothing nichts rien nada niente niets|only nur seulement sólo solo alleen
"""
WORDS_OF = [entry.split() for line in TABLE.strip().splitlines() for entry in line.split("|")]
LANGUAGES = ("German", "French", "Spanish", "Italian", "Dutch")
TRANSLATED = [{row[0].lower(): row[k] for row in WORDS_OF} for k in range(1, 1 + len(LANGUAGES))]
VOCABULARY = [tuple(dict.fromkeys(table.values())) for table in TRANSLATED]
SCRIPTS = {
    "Russian": "и в не на я быть он с что это по весь она так этот как но мы хороший плохой очень фильм время жизнь человек новый большой всё",
    "Greek": "και το να η ο δεν με για που είναι από στο θα τον μια ένα αλλά πολύ καλός κακός ταινία ζωή χρόνος κόσμος νέος μεγάλος ποτέ πάντα",
    "Arabic": "في من على أن لا هذا هو مع ما كان التي كل بعد لكن جدا جيد سيئ فيلم حياة وقت عالم جديد كبير أبدا دائما قصة رجل امرأة",
    "Hindi": "के में है की यह और से को नहीं पर एक बहुत अच्छा बुरा फिल्म जीवन समय दुनिया नया बड़ा कभी हमेशा कहानी आदमी लेकिन सब",
    "Chinese": "的 是 不 了 在 有 我 他 这 很 好 坏 电影 生活 时间 世界 新 大 从不 总是 故事 人 但是 所有 没有 非常 喜欢 因为",
    "Japanese": "の は に を が と も で ない この とても 良い 悪い 映画 人生 時間 世界 新しい 大きい いつも 物語 人 しかし すべて です ます",
}  # fmt: skip
WRITINGS = tuple(tuple(words.split()) for words in SCRIPTS.values())
LATIN = "abcdefghijklmnopqrstuvwxyz"
ALPHABETS = (
    "абцдефгхижклмнопкрстувшхуз",  # Cyrillic
    "αβκδεφγηιζκλμνοπκρστυβωξυζ",  # Greek
    "ابكدهفغحيجكلمنوبقرستوفوكيز",  # Arabic
    "אבקדהפגהיגקלמנופקרסתוובקיז",  # Hebrew
)
SPELT = [str.maketrans(LATIN + LATIN.upper(), alphabet + alphabet.upper()) for alphabet in ALPHABETS]
CORE = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def other_language(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Say 10 to 100 % of the words in German, French, Spanish, Italian or Dutch: one language per text."""

    def said(text: str) -> str:
        k = int(rng.random() * len(LANGUAGES))

        def word(found: str) -> str:
            return cased_like(TRANSLATED[k].get(found.lower()) or one_of(VOCABULARY[k], rng), found)

        return rewritten(text, CORE, WORDS[severity - 1], rng, word)

    return each(values, said)


def other_script(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Put common words of Russian, Greek, Arabic, Hindi, Chinese or Japanese in place of 10 to 100 % of the words: one language per text."""

    def said(text: str) -> str:
        words = WRITINGS[int(rng.random() * len(WRITINGS))]
        return rewritten(text, CORE, WORDS[severity - 1], rng, lambda _: one_of(words, rng))

    return each(values, said)


def other_alphabet(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Spell 10 to 100 % of the words, letter by letter, in Cyrillic, Greek, Arabic or Hebrew: one alphabet per text. Only a to z change."""

    def spelt(text: str) -> str:
        letters = SPELT[int(rng.random() * len(SPELT))]
        return rewritten(text, WORD, WORDS[severity - 1], rng, lambda word: word.translate(letters))

    return each(values, spelt)


DAMAGES = (
    ColumnDamage("other-language", "language", ("text",), "language", other_language),
    ColumnDamage("other-script", "language", ("text",), "language", other_script),
    ColumnDamage("other-alphabet", "language", ("text",), "language", other_alphabet),
)
