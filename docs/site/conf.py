"""What Sphinx is told. The pages it reads are put together by `python -m docs.site`."""

import sphinx.search

from docs.site.search import SearchKorean
from tinygrad_ko import __version__

sphinx.search.languages["ko"] = SearchKorean

project = "tinygrad_ko"
author = "tinygrad_ko"
version = release = __version__
language = "ko"
extensions = ["myst_parser", "docs.site.formulas"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
html_math_renderer = "mathtext"
html_theme = "furo"
html_title = "tinygrad_ko"
html_static_path = ["style.css"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_search_summary = False  # a page opened from a file may not read the others
html_theme_options = {"navigation_with_keys": True}
pygments_style, pygments_dark_style = "friendly", "monokai"
