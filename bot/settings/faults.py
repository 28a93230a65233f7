"""What a validator raises: a sentence that names no value, for it may be a secret."""

from pydantic_core import PydanticCustomError


def fault(sentence: str, example: str = "") -> PydanticCustomError:
    """Return what a validator raises: a sentence that names no value, and an example of its own perhaps."""
    return PydanticCustomError("fault", sentence, {"example": example})


def unquoted(text: object) -> str:
    """Return the text as it is to be taken; some hosts keep the quotes that a shell would take away."""
    stripped = str(text).strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\"":
        raise fault("is in quotes: leave them out")
    return stripped
