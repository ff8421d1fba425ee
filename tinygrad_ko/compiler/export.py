"""Export: a program as a file that needs NumPy alone, and SciPy for the functions of SciPy. Before it is written it runs in a process of
its own and is compared with the engine.
"""

import inspect
import pickle
import re
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_ko.compiler.compilation import Compilation, as_tuple, recorded
from tinygrad_ko.compiler.gradients import replaying
from tinygrad_ko.compiler.page.comments import checked_language, python_type, wrapped
from tinygrad_ko.compiler.page.globals import array_text
from tinygrad_ko.compiler.page.kernels import Kernels
from tinygrad_ko.compiler.page.writing import Writer, in_parentheses
from tinygrad_ko.compiler.program.values import Value
from tinygrad_ko.compiler.refusals import not_copied, not_exported
from tinygrad_ko.compiler.results import leaves_in
from tinygrad_ko.compiler.state.held import GENERATORS
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.runtime.files import whole_file
from tinygrad_ko.state.preserve import preserving_state
from tinygrad_ko.state.randomness import global_stream

MOST = 10_000  # elements of an array that is written as a constant

_HEAD = {
    "en": '''"""{name}: a program of NumPy calls, made by tinygrad_ko from {origin}.

Written with tinygrad_ko {ours}, NumPy {numpy} and Python {python}. Compared with tinygrad_ko {ours} on {inputs}:
{verdict}.
"""''',
    "ko": '''"""{name}: tinygrad_ko가 {origin}에서 만든 NumPy 프로그램입니다.

작성 환경: tinygrad_ko {ours}, NumPy {numpy}, Python {python}. {inputs}로 tinygrad_ko {ours}의 결과와 비교했습니다:
{verdict}.{kernels}
"""''',
}
_COMPARED_ON = {
    True: {"en": "the arguments of the last call", "ko": "마지막 호출의 인수"},
    False: {"en": "the arguments given to export", "ko": "export에 넘긴 인수"},
}
_IN_ENGLISH = " 복사한 함수의 설명은 영어입니다."
_VERDICTS = {
    True: {"en": "the same bits", "ko": "모든 비트가 같음"},
    False: {
        "en": "the same but for the order in which large sums are added up",
        "ko": "큰 합을 더하는 순서를 빼고는 같음",
    },
}
_DOCSTRING = {
    "en": (
        "Arguments: ",
        "Results, in this order: ",
        "Raises TypeError or ValueError for arrays of other dtypes or shapes.",
        "To check a line that was changed:",
    ),
    "ko": (
        "인수: ",
        "결과(순서대로): ",
        "자료형이나 형상이 다른 배열에는 TypeError나 ValueError가 발생합니다.",
        "바꾼 줄을 확인하는 방법:",
    ),
}
_CHECK = '''
def _require(**inputs):
    """{what}"""
    for name, x in inputs.items():
        dtype, shape = _INPUTS[name]
        if type(x).__module__.partition(".")[0] == "tinygrad_ko":
            error = TypeError(f"{{name}} is a {{type(x).__name__}}, not an array: pass {{name}}.data")
            error.add_note(f"{{name}}: 배열이 아니라 {{type(x).__name__}}입니다. {{name}}.data를 넘기십시오.")
            raise error
        if shape is None:
            kinds = {{float: (float, int, np.floating, np.integer), int: (int, np.integer), bool: (bool, np.bool_)}}
            if not isinstance(x, kinds.get(dtype, dtype)) or (isinstance(x, bool) and dtype is not bool):
                error = TypeError(f"{{name}} must be of the type {{dtype.__name__}}, not {{type(x).__name__}}")
                error.add_note(f"{{name}}: {{dtype.__name__}} 값을 넘겨야 합니다. 받은 값의 종류: {{type(x).__name__}}")
                raise error
            continue
        if not (type(x) is np.ndarray or (shape == () and isinstance(x, np.generic))) or x.dtype != dtype:
            got = getattr(x, "dtype", type(x).__name__)
            error = TypeError(f"{{name}} must be an array of {{dtype}}, not {{got}}; convert it, or export a program for it")
            error.add_note(f"{{name}}: {{dtype}} 배열을 넘겨야 합니다. 받은 값: {{got}}. 변환하거나 새로 내보내십시오.")
            raise error
        if x.shape != shape:
            error = ValueError(f"{{name}} must have the shape {{shape}}, not {{x.shape}}; export a program for other shapes")
            error.add_note(f"{{name}}: 형상이 {{shape}}이어야 합니다. 받은 형상: {{x.shape}}. 다른 형상에는 새로 내보내십시오.")
            raise error
'''
_WHAT = {
    "en": "Refuse inputs that the program was not made for.",
    "ko": "이 프로그램이 받을 수 없는 입력을 거부합니다.",
}

_RUN = """\
import pickle, runpy, sys
import numpy as np
file, name, given, results = sys.argv[1:]
with open(given, "rb") as f:
    state, inputs, generators = pickle.load(f)
np.random.set_state(state)
found = runpy.run_path(file)[name](*inputs, **generators)
with open(results, "wb") as f:
    pickle.dump(found if isinstance(found, tuple) else (found,), f)
"""


def export(
    program: Compilation, path: Any, inputs: list[Any], arguments: Any, options: Any, of_last_call: bool, language: str
) -> Path:
    """Write a program to a file, whole or not at all, and return the path. The arguments are those of the last call, or given for this.

    Raises TypeError, and writes nothing, if a function that it calls cannot be copied or an array in it is too large, and RuntimeError if
    it does not give what the engine gives for the arguments.
    """
    language, path, writer = checked_language(language), Path(path), program.writer
    generators = {name: x for name, x in writer.page_globals.objects.items() if isinstance(x, GENERATORS)}
    given = pickle.dumps((global_stream.get_state(legacy=False), inputs, generators))  # before any number is drawn
    expected = _expected(program, arguments, options)
    with _rewinding(program):
        here = [*as_tuple(program.compute(*inputs))]
    once = writer.single_results().values()
    here, expected = [here[i] for i in once], [expected[i] for i in once]
    same = all(map(_same_bits, here, expected))
    if not same and not (writer.has_loops and all(map(_close, here, expected))):
        raise not_exported("the compiled program and the engine differ")
    text = _text(writer, _described(program.f), generators, _COMPARED_ON[of_last_call], _VERDICTS[same], language)
    if not all(map(_same_bits, _elsewhere(text, writer.name, given), here)):
        raise not_exported("the file, in a process of its own, and the compiled program differ")
    with whole_file(path) as file:
        file.write(text.encode())
    return path


def _expected(program: Compilation, arguments: Any, options: Any) -> list[Any]:
    """The results that the engine gives: in a trace and, of a function that changes no state, in an ordinary call."""
    expected = recorded(program.holders, program.derived, arguments, options)[0].arrays
    if not program.changes_something:
        with preserving_state(*program.holders), _rewinding(program):
            answer = program.f(*arguments, **options)
        for leaf, (what, detail) in zip(leaves_in(answer), program.returned.form, strict=True):
            number = detail[0] if what.endswith(" node") else detail
            if what.endswith((" node", " Tensor", " scalar", " result")) and isinstance(number, int):
                expected[number] = leaf.stable_array() if isinstance(leaf, Handle) else leaf
    return expected


def _rewinding(program: Compilation) -> AbstractContextManager[None]:
    """Inside the block random numbers are drawn without effect: afterwards the streams are where they were."""
    return replaying(program.streams, [stream.state() for stream in program.streams])


def _described(f: Any) -> str:
    """The name of a function, with its file and line."""
    name = getattr(f, "__qualname__", type(f).__name__)
    code = getattr(inspect.unwrap(f), "__code__", None)
    return f"{name} ({Path(code.co_filename).name}:{code.co_firstlineno})" if code else name


def _text(
    writer: Writer,
    origin: str,
    generators: dict[str, Any],
    inputs: dict[str, str],
    verdict: dict[str, str],
    language: str,
) -> str:
    """The text of the file."""
    kernels = Kernels({*writer.page_globals.objects, writer.name, "_INPUTS", "_require"})
    for name, x in writer.page_globals.functions.items():
        if name not in generators:
            kernels.add(x, name)
    head = _HEAD[language].format(
        name=writer.name,
        origin=origin,
        ours=sys.modules["tinygrad_ko"].__version__,
        numpy=np.__version__,
        python=".".join(map(str, sys.version_info[:3])),
        inputs=inputs[language],
        verdict=verdict[language],
        kernels=_IN_ENGLISH * bool(kernels.texts),
    )
    arguments = {writer.given[x]: x for x in writer.inputs}
    docstring = [
        *_docstring(writer, arguments, generators, language),
        *in_parentheses("_require(", [f"{a}={a}" for a in [*arguments, *generators]], ")"),
        *(f"{a} = {python_type(x)}({a})" for a, x in arguments.items() if x.is_number),  # one of NumPy's has a dtype
    ]
    parts = [
        "\n\n".join([head, *_imports(kernels.imports), _table(arguments, generators)]),
        *_grouped(kernels.texts),
        _CHECK.format(what=_WHAT[language]).strip("\n"),
        "\n".join(_constants(writer)),
        "\n".join(writer.function(language, docstring, [*generators])),
    ]
    text = "\n\n\n".join(part for part in parts if part) + "\n"
    return re.sub(r"[ \t]+$", "", text, flags=re.M)


def _imports(wanted: dict[str, None]) -> list[str]:
    """The blocks of the imports, Python's own library first."""
    plain = {line for line in (*wanted, "import numpy as np") if line.startswith("import")}
    pairs = [line.removeprefix("from ").split(" import ") for line in wanted if line.startswith("from")]
    several = {f"from {home} import {', '.join(sorted(x for h, x in pairs if h == home))}" for home, _ in pairs}
    lines = [*sorted(plain), *sorted(several)]
    numpys = [line for line in lines if line.split()[1].partition(".")[0] == "numpy"]
    return ["\n".join(part) for part in ([line for line in lines if line not in numpys], numpys) if part]


def _grouped(texts: dict[str, str]) -> list[str]:
    """The definitions; those of consecutive constants are one block."""
    grouped, constants = list[str](), list[str]()
    for text in [*texts.values(), ""]:
        if text and not text.startswith(("def ", "class ", "@")):
            constants.append(text)
            continue
        grouped += ["\n".join(constants)] * bool(constants) + [text] * bool(text)
        constants = []
    return grouped


def _table(arguments: dict[str, Value], generators: dict[str, Any]) -> str:
    """The table of the dtypes and shapes of the inputs. Python numbers and generators have a type alone."""
    lines = [
        f'    "{name}": ({python_type(x)}, None),' if x.is_number else f'    "{name}": ("{x.dtype}", {x.shape}),'
        for name, x in arguments.items()
    ]
    lines += [f'    "{name}": (np.random.{type(x).__name__}, None),' for name, x in generators.items()]
    return "\n".join(["_INPUTS = {", *lines, "}"])


def _constants(writer: Writer) -> list[str]:
    """The assignments of the constants, with all their elements."""
    lines = []
    for name, text in writer.page_globals.texts.items():
        array = writer.page_globals.objects[name]
        text = text or array_text(array, MOST)
        if not text:
            raise not_copied(f"an array of shape {array.shape}")
        first, *others = wrapped(f"{name} = {text}", "")
        lines += [first, *(f"    {line}" for line in others)]
    return lines


def _docstring(writer: Writer, arguments: dict[str, Value], generators: dict[str, Any], language: str) -> list[str]:
    def shown(pairs: Any) -> str:
        return ", ".join(
            f"{name} {python_type(x) if x.is_number else f'{x.dtype}{list(x.shape)}'}" for name, x in pairs
        )

    takes, gives, refuses, checks = _DOCSTRING[language]
    results = [(name, writer.results[i]) for name, i in writer.single_results().items()]
    random = "".join(f", {name} np.random.{type(x).__name__}" for name, x in generators.items())
    gradients = writer.comments(language).gradients(writer.inputs)
    return [
        *wrapped(f'"""{takes}{shown(arguments.items())}{random}.', ""),
        *wrapped(f"{gives}{shown(results)}.", ""),
        *[gradients] * bool(gradients),
        refuses,
        *_call_of_the_check(writer, [*arguments, *generators], results, checks),
        '"""',
    ]


def _call_of_the_check(writer: Writer, arguments: list[str], results: list[tuple[str, Value]], above: str) -> list[str]:
    """How the judge is asked whether an edited file returns a number and then its gradients; nothing if it returns something else, as a
    training step does, which returns new parameters.
    """
    (_, loss), *others = results
    every = [writer.differentiated(value) for _, value in others]
    wrt = [name for name in every if name]
    if loss.shape or loss.dtype.kind != "f" or not wrt or every[: len(wrt)] != wrt:
        return []
    call = f"tinygrad_ko.check.check_grad({writer.name}, True, {', '.join(arguments)}, wrt={wrt})"
    return [above, *(f"    {line}" for line in wrapped(call, ""))]


def _elsewhere(text: str, name: str, given: bytes) -> Any:
    """The results of the file in a process of its own, without the user's paths and environment."""
    with tempfile.TemporaryDirectory() as folder:
        file, inputs, results = (Path(folder, part) for part in (f"{name}.py", "inputs", "results"))
        file.write_text(text, encoding="utf-8")
        inputs.write_bytes(given)
        call = [sys.executable, "-I", "-W", "error", "-c", _RUN, *map(str, (file, name, inputs, results))]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        if done.returncode:
            raise not_exported(f"the file fails in a process of its own: {done.stderr.strip().splitlines()[-1:]}")
        return pickle.loads(results.read_bytes())


def _same_bits(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return (a.shape, a.dtype) == (b.shape, b.dtype) and a.tobytes() == b.tobytes()


def _close(a: Any, b: Any) -> bool:
    """Whether two results differ by no more than the round-off of another order of adding."""
    a, b = np.asarray(a), np.asarray(b)
    if (a.shape, a.dtype) != (b.shape, b.dtype) or a.dtype.kind != "f":
        return _same_bits(a, b)
    far = np.abs(a - b).max(initial=0)
    return bool(far <= 1000 * np.finfo(a.dtype).eps * max(1.0, np.abs(b).max(initial=0)))
