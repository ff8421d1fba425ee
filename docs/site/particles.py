"""What a Korean word may end with: particles after a noun, and endings of 이다, 하다 and 되다; and a word without them.

What a word ends with is taken off again and again, so that a noun that itself ends like a particle (정확도) gives one term, however it
stands. A browser does the same with the same expressions.
"""

import json
import re

_PARTICLES = (
    "이|가|은|는|을|를|의|에|도|만|과|와|로|으로|나|이나|랑|이랑|들|끼리|에서|에게|까지|부터|보다|처럼|마다|마저|조차|밖에|만큼|대로|으로써|로써"
    "|에는|에도|에서는|에서도|으로는|로는|으로도|로도|만의|만을|만은|과의|와의|에서의|으로의|로의"
)
_OF_BEING = (
    "라고|이라고|라는|이라는|라면|이라면|이란|란|이며|이고|인|일|입니다|입니까|이다|이었습니다|였습니다|이므로|이지만"
)
_OF_DOING = "하다|하는|하고|하면|하여|해|해서|한|할|하지|하며|하기|합니다|합니까|했습니다|시키는|시킵니다"
_OF_BECOMING = "되는|된|될|되면|되고|됩니다|됐습니다|되었습니다"
_ENDINGS = {*f"{_PARTICLES}|{_OF_BEING}|{_OF_DOING}|{_OF_BECOMING}".split("|")}
ENDING = f"(?:{'|'.join(sorted(_ENDINGS, key=lambda ending: (-len(ending), ending)))})"

_WORD = rf"^([가-힣a-z0-9_]*?[가-힣a-z0-9_]{{2}}){ENDING}$"  # the longest ending; a noun of one syllable keeps all but 을 and 를
_OBJECT = r"^([가-힣])[을를]$"


def stem(word: str) -> str:
    """A word without what it ends with, in lower case.

    >>> [stem(word) for word in ("역전파를", "역전파입니다", "기울기에서는", "기울기", "정확도는", "정확도", "층을", "Tensor의")]
    ['역전파', '역전파', '기울기', '기울기', '정확', '정확', '층', 'tensor']
    """
    word = word.lower()
    while re.search("[가-힣]$", word) and (found := re.search(_WORD, word) or re.search(_OBJECT, word)):
        word = found[1]
    return word


STEMMER = f"""
var Stemmer = function () {{
  const ending = new RegExp({json.dumps(_WORD)});
  const object = new RegExp({json.dumps(_OBJECT)});
  this.stemWord = function (word) {{
    word = word.toLowerCase();
    let found;
    while (/[가-힣]$/.test(word) && (found = ending.exec(word) || object.exec(word))) word = found[1];
    return word;
  }};
}};
"""
