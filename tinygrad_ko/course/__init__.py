"""The exercises of the Korean course, which check themselves: `course.check("4-1", my_function)`."""

from tinygrad_ko.course.checker import check, exercise_numbers

__all__ = ["check", "exercise_numbers"]
