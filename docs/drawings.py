"""Draws the pictures of README.md and of the guide, which are those of an example: `python -m docs.drawings`."""

from pathlib import Path

from examples.see_the_graph import PICTURES

FOLDER = Path(__file__).with_name("pictures")

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for picture in PICTURES:
        print(picture().save(FOLDER / f"{picture.__name__}.svg"))
