"""What a Korean word may end with: particles after a noun, and endings of 이다, 하다 and 되다."""

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
