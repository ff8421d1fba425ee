"""Search in Korean: a word is found with whatever particle it stands with.

`역전파를`, `역전파로` and `역전파` are one term of the index. What a word ends with is taken off again and again, so that a noun that
itself ends like a particle (정확도) gives one term, however it stands. The browser does the same to what is asked for, with the same
expression.
"""

import json
import re

from sphinx.search import SearchLanguage

from docs.site.particles import ENDING

WORD = rf"^([가-힣a-z0-9_]*?[가-힣a-z0-9_]{{2}}){ENDING}$"  # the longest ending; a noun of one syllable keeps all but 을 and 를
OBJECT = r"^([가-힣])[을를]$"


def stem(word: str) -> str:
    """A word without what it ends with: the term that stands for it in the index.

    >>> [stem(word) for word in ("역전파를", "역전파입니다", "기울기에서는", "기울기", "정확도는", "정확도", "층을", "Tensor의")]
    ['역전파', '역전파', '기울기', '기울기', '정확', '정확', '층', 'tensor']
    """
    word = word.lower()
    while re.search("[가-힣]$", word):
        found = re.search(WORD, word) or re.search(OBJECT, word)
        if not found:
            break
        word = found[1]
    return word


class SearchKorean(SearchLanguage):
    """Sphinx's search for pages in Korean, with English words in between, as they are."""

    lang = "ko"
    language_name = "Korean"
    js_stemmer_code = f"""
var Stemmer = function () {{
  const ending = new RegExp({json.dumps(WORD)});
  const object = new RegExp({json.dumps(OBJECT)});
  this.stemWord = function (word) {{
    word = word.toLowerCase();
    while (/[가-힣]$/.test(word)) {{
      const found = ending.exec(word) || object.exec(word);
      if (!found) break;
      word = found[1];
    }}
    return word;
  }};
}};
"""

    def stem(self, word: str) -> str:
        return stem(word)
