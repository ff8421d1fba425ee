"""Search in Korean: `역전파를`, `역전파로` and `역전파` are one term of the index, and of what is asked for."""

from sphinx.search import SearchLanguage

from docs.site.particles import STEMMER, stem


class SearchKorean(SearchLanguage):
    """Sphinx's search for pages in Korean, with English words in between, as they are."""

    lang = "ko"
    language_name = "Korean"
    js_stemmer_code = STEMMER

    def stem(self, word: str) -> str:
        return stem(word)
