"""Refusals: what a traced function cannot do, as errors that name the line of the user's and the way out."""

from typing import Any

from tinygrad_ko.compiler.phrases import in_korean
from tinygrad_ko.errors import explain


def no_function(f: Any) -> TypeError:
    """What is to be compiled cannot be called, or is called too late."""
    kind = type(f).__name__
    return explain(
        TypeError(
            f"compile takes a function of arrays or Tensors, or a model, not {kind}; of a class, an object of it"
        ),
        f"compile에는 배열이나 Tensor를 받는 함수 또는 모델을 넘겨야 합니다. 클래스라면 그 객체를 넘기십시오. 받은 값의 종류: {kind}",
    )


_REASONS = {
    "library": (
        "is an array of another library; pass np.asarray(x)",
        "다른 라이브러리의 배열입니다. np.asarray(x)로 바꾸어 넘기십시오.",
    ),
    "subclass": (
        "has rules of its own; pass np.asarray(x)",
        "연산 규칙이 일반 배열과 다릅니다. np.asarray(x)로 바꾸어 넘기십시오.",
    ),
    "dtype": (
        "holds no numbers; pass an array of numbers",
        "수로 이루어진 배열이 아닙니다. 수로 이루어진 배열을 넘기십시오.",
    ),
    "equal": (
        "cannot be told from an equal one; pass the arrays that it holds",
        "값이 같은 다른 객체와 구별할 수 없습니다. 객체 대신 그 안의 배열을 넘기십시오.",
    ),
    "object": (
        "may change unseen; pass the arrays and numbers that it holds",
        "바뀌어도 알 수 없는 객체입니다. 객체 대신 그 안의 배열과 수를 넘기십시오.",
    ),
}


def no_argument(place: str, value: Any, why: str) -> TypeError:
    """An argument of which no program can be made, for one of the reasons."""
    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}".removeprefix("builtins.")
    kind += f" of {value.dtype}" if why == "dtype" else ""
    english, korean = _REASONS[why]
    return explain(
        TypeError(f"compile: the argument {place}, a {kind}, {english}"),
        f"compile: 인수 {place}, 종류 {kind}: {korean}",
    )


def no_dict(kind: str, name: str) -> TypeError:
    """A compiled method of an object that has no room for it."""
    return explain(
        TypeError(
            f"compile: objects of {kind} have no __dict__, where a compiled {name} is kept for each; add '__dict__' to the __slots__"
        ),
        f"compile: 클래스 {kind}의 객체에는 컴파일한 {name} 메서드를 보관할 __dict__가 없습니다. __slots__에 '__dict__'를 넣으십시오.",
    )


def unknown_result(value: Any, place: str) -> TypeError:
    """The function returns what cannot be made anew by every call."""
    kind, at = type(value).__name__, place and f" at {place}"
    return explain(
        TypeError(
            f"compile: the function returned a {kind}{at}; return arrays, Tensors, numbers, and dicts, lists and "
            "tuples of them"
        ),
        f"compile: 반환값{place}의 종류 {kind}: 배열, Tensor, 수와 이들의 딕셔너리, 리스트, 튜플만 반환할 수 있습니다.",
    )


_CHANGES = {
    "items": ("puts something else into", "함수가 이 인수에 다른 것을 넣습니다"),
    "numbers": ("writes to", "함수가 이 인수의 값을 바꿉니다"),
    "gradient": (
        "calls backward(), which adds to the gradient of",
        "함수가 backward()를 호출하여 이 인수의 기울기에 더합니다",
    ),
}


def changed_argument(name: str, what: str) -> TypeError:
    """The function changes an argument, which the caller would expect to see."""
    english, korean = _CHANGES[what]
    return explain(
        TypeError(
            f"compile: the function {english} its argument {name}, which a compiled function leaves alone: return the new value, or let "
            "the function hold what it changes (a model, a closure)"
        ),
        f"compile: 인수 {name}: {korean}. 컴파일한 함수는 인수를 바꾸지 않습니다. 새 값을 반환하거나, 바꿀 것은 "
        "함수가 참조하는 모델이나 클로저 변수에 두십시오.",
    )


def other_thread() -> RuntimeError:
    """Another thread computes with what is being traced."""
    return explain(
        RuntimeError(
            "compile: this array is being traced in another thread; call the compiled function once before other threads use the model"
        ),
        "compile: 다른 스레드에서 추적 중인 배열입니다. 다른 스레드가 모델을 쓰기 전에 컴파일한 함수를 한 번 호출해 두십시오.",
    )


def many_programs(name: str, count: int, arguments: dict[str, list[str]], held: dict[str, list[str]]) -> str:
    """The warning when a function is compiled again and again: what changes in its arguments or, if nothing does, in what it holds."""
    changes = arguments or dict([*held.items()][:3])
    seen = "; ".join(f"{place}: {', '.join(forms)}, ..." for place, forms in changes.items())
    english, korean = seen, seen
    if not arguments:
        english = f"not its arguments but what it holds changed{seen and ': '}{seen}"
        korean = f"인수가 아니라 함수가 참조하는 것이 바뀜{seen and ': '}{seen}"
    return (
        f"compile: {name} was compiled {count} times, which takes longer than it saves ({english}); pass batches of one size and one "
        "dtype, and what changes often as a float or an array"
        f"{'' if arguments else ', and keep what the function does not need in an object that it does not refer to'}\n"
        f"compile: 함수 {name}: {count}번 컴파일했습니다({korean}). 컴파일하는 시간이 더 걸립니다. 배치의 크기와 자료형을 하나로 맞추고, "
        "자주 바뀌는 값은 float이나 배열로 넘기십시오."
        f"{'' if arguments else ' 함수에 필요 없는 값은 함수가 참조하지 않는 객체에 두십시오.'}"
    )


def only_compiled(error: Exception, name: str) -> Exception:
    """A compiled program fails where the function itself does not."""
    error.add_note(
        f"in the compiled {name}; the function itself computes this without an error: if it catches this one (try, except), compute that "
        "outside of it; else please report it"
    )
    return explain(
        error,
        f"컴파일한 {name}에서만 나는 오류입니다. 원래 함수는 오류 없이 계산합니다. 함수가 이 오류를 try와 except로 처리한다면 그 부분은 "
        "함수 밖에서 계산하십시오. 그렇지 않다면 이 오류를 알려 주십시오.",
    )


def unseen_draw(stream: str) -> Exception:
    """The error for a draw from a stream that a trace did not see."""
    return explain(
        TypeError(
            f"compile: numbers were drawn from {stream} inside the function, where they would be the same at every call; "
            "draw them from an np.random.Generator that the function holds, rng.random(shape), or outside, and pass them"
        ),
        f"compile: 함수 안에서 난수를 뽑았습니다({stream}). 컴파일하면 호출할 때마다 같은 수가 됩니다. 함수가 가지고 있는 "
        "np.random.Generator에서 rng.random(shape)처럼 뽑거나, 밖에서 뽑아 인수로 넘기십시오.",
    )


def left_behind(what: str) -> Exception:
    """The error for a change that a program cannot make."""
    return explain(
        TypeError(
            f"compile: the function changes {what} in a way that a program cannot repeat; return the new value and store it outside"
        ),
        f"compile: 함수가 바꾸는 것 가운데 프로그램이 되풀이할 수 없는 것이 있습니다: {what}. 새 값을 반환하고 함수 밖에서 저장하십시오.",
    )


def read_only(array: Any) -> Exception:
    """The error for an array that cannot be written to."""
    return explain(
        ValueError(
            f"compile: the function writes to an array of shape {array.shape} that is read-only; nothing was changed"
        ),
        f"compile: 함수가 쓰려는 배열이 읽기 전용입니다. 형상: {array.shape}. 아무것도 바꾸지 않았습니다.",
    )


def differs(what: str, line: str) -> Exception:
    """The error for a function that is not the same when it is traced again."""
    at, place = (f" (at {line})", f"({line})") if line else ("", "")
    return explain(
        TypeError(
            f"compile: two calls from the same state differ in {what}{at}, so a program would be wrong at the next call: a clock, an "
            "iterator, a file, or numbers drawn inside; compute it outside of the function and pass it as an argument"
        ),
        f"compile: 같은 상태에서 두 번 호출했는데 결과가 다릅니다: {what}{place}. 시계, 반복자, 파일, 함수 안에서 뽑은 난수가 "
        "그렇습니다. 함수 밖에서 계산하여 인수로 넘기십시오.",
    )


def out_of_sight(shape: tuple[int, ...], line: str) -> Exception:
    """The error for an array that was there before the call, in a place where nobody would see it change."""
    return explain(
        TypeError(
            f"compile: an array of shape {shape} (at {line}) is from before the call and kept where compile does not look, so a change of "
            "it would not be seen; pass it as an argument, or keep it in a variable, list, dict or attribute that the function names"
        ),
        f"compile: 형상이 {shape}인 배열({line})은 호출 전에 만들어졌고 컴파일러가 살펴보지 않는 곳에 있어서, 바뀌어도 알 수 없습니다. "
        "인수로 넘기거나, 함수가 이름으로 쓰는 변수, 리스트, 딕셔너리, 속성에 두십시오.",
    )


def leaked(where: str) -> Exception:
    """The error for a traced array that stays behind in something that is no state of the function."""
    return explain(
        TypeError(
            f"compile: the function leaves a traced array in a {where} that a program cannot change; return the array instead"
        ),
        f"compile: 함수가 추적 중인 배열을 이 종류의 객체에 남깁니다: {where}. 프로그램은 이 객체를 바꿀 수 없으니 배열을 반환하십시오.",
    )


def shares(array: Any) -> Exception:
    """The error for an array that is written to and read under another name."""
    return explain(
        ValueError(
            f"compile: the function writes to an array of shape {array.shape} that shares memory with another of its inputs; nothing was "
            "changed; pass a copy"
        ),
        f"compile: 함수가 쓰는 배열이 다른 입력과 메모리를 함께 씁니다(형상 {array.shape}). 아무것도 바꾸지 않았습니다. 사본을 넘기십시오.",
    )


def not_copied(what: str) -> Exception:
    """The error for a function that an exported file would need, and whose text cannot be copied into it."""
    return explain(
        TypeError(
            f"export: {what} cannot be copied into a file that needs NumPy alone; compute this part outside of the compiled function"
        ),
        f"export: NumPy만으로 실행되는 파일에 옮길 수 없는 것이 있습니다: {in_korean(what)}. 이 부분은 컴파일할 함수 밖에서 계산하십시오.",
    )


def changed_since(name: str) -> RuntimeError:
    """A gradient is asked for of a call in another state of the function."""
    return explain(
        RuntimeError(
            f"compile: what {name} holds is not as it was at the call (its mode, a setting, an object in it), and the program for its "
            "gradient was not made yet; call backward() before changing it"
        ),
        f"compile: 함수 {name}: 호출한 뒤에 함수가 참조하는 것(학습 모드, 설정, 객체)이 바뀌어 그때의 기울기를 구할 수 없습니다. "
        "바꾸기 전에 backward()를 호출하십시오.",
    )


def drawn_meanwhile(name: str) -> RuntimeError:
    """Somebody else drew from a random stream while a program was at it: its numbers cannot be drawn again."""
    return explain(
        RuntimeError(
            f"compile: another thread drew random numbers while {name} did, so that backward cannot draw the same ones again; give each "
            "thread a Generator of its own"
        ),
        f"compile: 함수 {name}: 난수를 뽑는 동안 다른 스레드도 같은 생성기에서 뽑아, 역전파에서 같은 난수를 다시 뽑을 수 없습니다. "
        "스레드마다 Generator를 따로 쓰십시오.",
    )


def not_exported(why: str) -> RuntimeError:
    """The error for a file that does not give what the engine gives."""
    return explain(
        RuntimeError(f"export: nothing was written: {why}; please report it, with the function and its arguments"),
        f"export: 파일을 쓰지 않았습니다. 내보낼 프로그램의 결과가 엔진과 다르거나 실행되지 않습니다({in_korean(why)}). "
        "함수와 인수를 함께 알려 주십시오.",
    )


def not_called_yet(name: str, what: str) -> RuntimeError:
    """The error for a page that is asked for before there is a program."""
    return explain(
        RuntimeError(f"{name}{what}: there is no program yet; call {name} once, with arguments as it will be called"),
        f"{name}{what}: 아직 프로그램이 없습니다. 함수를 실제로 쓸 인수로 한 번 호출한 뒤에 쓰십시오.",
    )
