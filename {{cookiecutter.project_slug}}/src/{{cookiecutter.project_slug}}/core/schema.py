"""What a table must look like: the type and the rules of each column. The types of a table come from here alone."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Rules(BaseModel):
    """What holds for one column. A rule that is not known here cannot be held, and is refused.

    missing: whether a value may be missing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ranged(Rules):
    """Values that have an order."""

    @model_validator(mode="after")
    def in_order(self) -> "Ranged":
        """Refuse a range that nothing lies in."""
        low, high = getattr(self, "min", None), getattr(self, "max", None)
        if low is not None and high is not None and low > high:
            raise ValueError(f"min {low} is above max {high}")
        return self


class Number(Ranged):
    """Finite numbers, kept with the 15 digits of a float."""

    type: Literal["number"] = "number"
    missing: StrictBool
    min: Finite | None = None
    max: Finite | None = None


class Integer(Ranged):
    """Whole numbers of 64 bits, kept digit by digit."""

    type: Literal["integer"] = "integer"
    missing: StrictBool
    min: StrictInt | None = None
    max: StrictInt | None = None


class Boolean(Rules):
    """True and false."""

    type: Literal["boolean"] = "boolean"
    missing: StrictBool


class Category(Rules):
    """One of these texts."""

    type: Literal["category"] = "category"
    missing: StrictBool
    values: list[StrictStr] = Field(min_length=1)


class Date(Rules):
    """A day, or a moment of one. It may be written as ISO 8601 says, and in this format of Python's strptime."""

    type: Literal["date"] = "date"
    missing: StrictBool
    format: StrictStr | None = None


class Text(Rules):
    """Any text."""

    type: Literal["text"] = "text"
    missing: StrictBool


Column = Annotated[Number | Integer | Boolean | Category | Date | Text, Field(discriminator="type")]
Schema = dict[str, Column]


def of_any_value(rules: Column) -> Column:
    """The rules of a column for its type alone: any value of it, as for a key of which there are always new ones."""
    if isinstance(rules, Category):
        return Text(missing=False)
    return rules.model_copy(update={"missing": False} | {name: None for name in ("min", "max") if hasattr(rules, name)})
