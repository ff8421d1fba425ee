"""The page: a program as the text of a function, with the words that a reader needs."""
