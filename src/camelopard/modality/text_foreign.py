"""The commonest words of languages in Latin letters, the commonest first: articles, pronouns, prepositions, conjunctions, auxiliaries.

Such words are half of what anybody writes, whatever it is about (Zipf 1949), so a sentence in another language gives itself away by them. Facts,
nothing learned: which language the clean texts are in, and what they borrow from others, their own words say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2

SHORTEST = 2  # letters: single ones stand in every language
WORTH = 1.0  # bits by which a word must be commoner in the other language, before it counts

COMMON_WORDS = {
    "English": """
the of and to in a is that it was for as with on be he his by at this not are i but they from which or had you have one an her she all were
we there been their who will no would if so what when up out said do about them than into can him some could more your other then these two
has its now my may time first only our any over even most after also me did many where must through before well back should because those
too how very such just like made being between both here while each another still never same however upon though himself
""",
    "German": """
der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer
um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wurde sei ich wir ihr ihre seine kann
wenn hier alle schon unter sehr was wieder diese dieser dieses gegen vom können habe ihm ihn ihnen hatte doch jetzt immer ohne mich mir uns
dann da selbst zwischen nun also kein keine weil damit etwas sondern muss wer wo nichts mein dein unser viel dort beim ganz gut heute waren
würde während warum worden jeder ja nein
""",
    "French": """
de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec son cette ont ou aux mais comme nous on
sa ses était être aussi je elle leur fait deux même tout vous tous lui bien où sans peut entre après ils encore si ces faire leurs dont très
autres d'un d'une qu'il c'est cela toujours peu depuis moins avait toute donc contre alors moi non quand avant quelques ici rien notre mon
ma mes votre trop jamais parce sous chez car ainsi chaque ni été avoir soit beaucoup fois celui celle ceux
""",
    "Spanish": """
de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre este ya entre cuando todo
esta ser son dos también fue había era muy años hasta desde está mi porque qué sólo han yo hay vez puede todos así nos ni parte tiene él uno
donde bien tiempo mismo ese ahora cada e vida otro después te otros aunque esa eso hace otra gobierno tan durante siempre día tanto ella
tres sí dijo sido gran nada antes quien mucho algo estaba nunca ellos todas esto están nosotros usted hacer pues mejor
""",
    "Italian": """
di e il la che a in per un è non del una si le con da i dei della al sono nel gli alla come più anche ha lo ma ad dal delle se ai o su ed
essere nella era quello questa tra cui questo stato degli due ancora solo sul dalla anni ci mi io dopo loro molto suo sua tutti tutto fatto
quando perché così prima senza stata lui lei nei poi alle chi già dove sia ogni ora noi suoi hanno sempre mai ho quanto nessuno niente qui
bene fare quella questi tutta meno mentre proprio però contro ne ti voi siamo altro altri cosa oggi
""",
    "Portuguese": """
de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou ser quando muito há nos já
está eu também só pelo pela até isso ela entre era depois sem mesmo aos ter seus quem nas me esse eles estão você tinha foram essa num nem
suas meu às minha têm numa pelos elas havia seja qual será nós tenho lhe deles essas esses pelas este fosse dele tu te vocês vos lhes meus
minhas teu tua nosso nossa isto aquilo estou estava então sempre nunca onde muitos tudo nada fazer ainda assim
""",
    "Dutch": """
de van het een en in is dat op te zijn met voor die niet aan er om ook als dan maar hij bij of uit nog naar heeft door over ze wordt ik wat
zich hebben tot meer was worden we kan geen al deze werd veel zal jaar zo had dit wel daar hun tegen goed nu moet zou hem haar alleen toch
onder hier mijn zij kunnen ons nieuwe andere waar twee alle na je geweest omdat eerste waren tussen niets iets altijd nooit heel alles
iemand mij jij wij u wie hoe waarom eens doen zonder zelf reeds mensen men toen want weer meest
""",
    "Swedish": """
och i att det som en på är av för med till den har de inte om ett han men var jag sig från vi så kan när år under också efter eller nu sin
där vid mot ska skulle kommer ut får finns vara hade alla andra mycket än här då sedan över bara in blir upp även vad få två vill ha många
hur mer går sverige detta nya man du hon sitt oss honom henne dem deras vår mig dig utan blev inga ingen varför vilken mina dina något någon
några samma ju varit mellan aldrig alltid
""",
    "Danish": """
og i at det er en til af på den for ikke de med som der et han har men om var jeg vi så fra kan sig år ud efter også eller skal da når op
hun vil sin man være over hvor havde ved mod du nu mere hvis ham hvad blev været deres end under vores mig hende dem selv noget alle meget
mange kun her dig denne dette disse hans hendes uden bliver mellem aldrig altid sammen ind ned ja nej hvem hvorfor nogle anden andet andre
""",
    "Norwegian": """
og i det er på som en til at av for med de har ikke den å om et var jeg han fra men vi så seg sier kan også etter ved vil ble når da ut hun
være enn nå mot skal der eller blir opp dette bare man få mange over hadde går kommer andre alle noe mer sin selv år hvor må under hva meget
meg deg hvordan hvorfor hvem ingen henne deres mellom aldri alltid sammen uten dere dem hvis både fordi
""",
    "Polish": """
w i na z się do nie że to jest o jak a po co ale za od tak przez są dla był tym już jego tego ma go być czy było jej oraz tylko może jeszcze
która który które ich przed pod ze bardzo także kiedy gdy bo mnie mi ja ty on ona my wy oni tu tam będzie można bez nawet by ten ta te tej
nic więc sobie nad jako gdzie wszystko zawsze nigdy też między dlaczego dobrze byli została tych lub nas
""",
    "Turkish": """
ve bir bu da de için ile çok olarak daha olan gibi ne o var en kadar sonra ama ki her ya olduğu ben değil mi iki yok ise diye şey şu biz
onun siz onlar sadece ancak hem bütün bana sana nasıl neden bile göre artık önce hiç zaman kendi böyle şimdi veya çünkü bunu bunun olduğunu
eden üzerine yeni oldu büyük iyi kim nerede tüm başka aynı
""",
    "Indonesian": """
yang dan di dengan untuk dari ini tidak dalam itu pada akan juga ke karena ada kata mereka oleh telah sudah saya bisa lebih seperti menjadi
atau adalah dia kami kita bahwa tetapi tersebut dapat hanya masih namun sangat hal saat belum agar harus secara para bagi anda tak antara
setelah banyak sebagai lagi jika apa siapa sampai hingga bukan semua sendiri pernah selalu
""",
    "Finnish": """
ja on ei se että oli ovat hän mutta myös kun kuin joka tai sen ole nyt mukaan sitä ollut niin vain jos jo voi olisi siitä minä sinä me te he
tämä jotka mitä kanssa sekä hänen vielä koska olla ennen jälkeen ne mikä kuka miten miksi aina tässä siellä kaikki paljon hyvin oma olen
eivät enemmän ettei minun
""",
    "Hungarian": """
a az és hogy nem is egy volt ez meg csak de van már azt mint még ki ha el én vagy majd azonban pedig lesz amely kell mert olyan nagyon nincs
minden te ő mi ti ők mit ezt után lehet most itt ott úgy így aki ami sem között szerint több során vele soha mindig voltak igen
""",
    "Czech": """
a se v je na že to s z do o i ve jako za ale by po k si pro jsou byl od tak jeho u které nebo jen už jsem jak která jsme až který být podle
bylo tím co pod má mezi ani může není však před bez také když kde proto kdo jejich tento této ten ta ty my vy oni velmi více nic vždy nikdy
ještě nad byla při
""",
    "Romanian": """
de și în a la cu pe o nu un că din care se mai pentru este au sau fi ce sunt prin dar al fost ca să lui său el ea ei noi voi eu tu mi fără
după când unde cum foarte doar între acest această acestea dacă toate tot toți fie nici atunci acum aici acolo mult cel cea despre dintre
iar fiind avea niciodată întotdeauna
""",
}  # fmt: skip
_PLACES: dict[str, list[tuple[str, int]]] = {}
for _language, _words in COMMON_WORDS.items():
    for _place, _word in enumerate(_words.split(), 1):
        if len(_word) >= SHORTEST:
            _PLACES.setdefault(_word, []).append((_language, _place))


class Foreign:
    """What the commonest words of other languages say to whoever knows the words of clean texts.

    A word at place r of a list is about as likely as 1/r (Zipf 1949), so it is commoner in the other language by the log of the ratio of its places.
    A word of the texts' own language counts nothing.

    Parameters
    ----------
    rank
        The places of the known words in lower case, from 0 on; those from `most` on count as not known.

    >>> Foreign({"the": 0, "film": 1, "la": 2}, 3).numbers(["la", "vie", "est", "dans", "the", "film"])[0]
    2
    """

    def __init__(self, rank: Mapping[str, int], most: int) -> None:
        self._worth: dict[str, tuple[bool, list[tuple[str, float]]]] = {}
        for word, places in _PLACES.items():
            own = min(rank.get(word, most), most)
            gained = [(language, bits) for language, place in places if (bits := log2((own + 1) / place) - WORTH) > 0.0]
            if gained or own == most:
                self._worth[word] = own == most, gained

    def numbers(self, words: Sequence[str]) -> tuple[int, float]:
        """Return how many words are common in some language and not known, and by how many bits the likeliest other language explains them better."""
        unknown, bits = 0, dict[str, float]()
        for word in words:
            worth = self._worth.get(word)
            if worth is not None:
                unknown += worth[0]
                for language, gained in worth[1]:
                    bits[language] = bits.get(language, 0.0) + gained
        return unknown, max(bits.values(), default=0.0)
