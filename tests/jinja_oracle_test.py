#!/usr/bin/python3
"""Our Jinja beside jinja2, set up as Hugging Face's apply_chat_template sets it up.

usage: jinja_oracle_test.py JINJA_DUMP [--random N] [--seed S] [--folder FOLDER_OF_TEMPLATES]

Renders the samples below, the templates in tests/templates, random template programs and, with --folder, any other
templates, with both, and compares: the same text, or an error from both. Exit status 77 (skipped) without jinja2.
"""
import argparse
import copy
import datetime
import functools
import json
import pathlib
import random
import subprocess
import sys
import warnings

try:
    import jinja2
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError:
    print("skipped: no jinja2 (Debian: python3-jinja2)")
    sys.exit(77)

NOW = 1_700_000_000
warnings.simplefilter("ignore", SyntaxWarning)  # Python sees through the code that jinja2 makes


class Generation(jinja2.ext.Extension):
    """{% generation %} … {% endgeneration %}: renders its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def environment():
    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda form: datetime.datetime.fromtimestamp(NOW).strftime(form)
    return made


ENVIRONMENT = environment()


@functools.lru_cache(maxsize=1)
def compiled(template):
    return ENVIRONMENT.from_string(template)


def reference(template, variables):
    try:
        return {"text": compiled(template).render(**copy.deepcopy(variables))}
    except Exception as error:  # whatever Python raises is an error of the template
        return {"error": f"{type(error).__name__}: {error}"}


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather of a \"place\" <now>, 날씨 & more",
            "parameters": {
                "type": "object",
                "properties": {
                    "place": {"type": "string", "description": "e.g. 서울"},
                    "unit": {"type": "string", "enum": ["C", "F"]},
                    "days": {"type": ["integer", "null"], "default": 3},
                },
                "required": ["place"],
            },
            "return": {"type": "object", "description": "a report"},
        },
    }
]
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {"id": "abcdef123", "type": "function", "function": {"name": "get_weather", "arguments": {"place": "서울", "n": [1, 2.5, None, True]}}}
    ],
}


def conversations():
    """Variables of many shapes that chat templates meet."""
    user = {"role": "user", "content": "  안녕? <b>\"'&\n"}
    answer = {"role": "assistant", "content": "<think>\nhm\n</think>\n\n네. "}
    system = {"role": "system", "content": " 도와라 "}
    base = {"bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True}
    for messages in (
        [user],
        [system, user],
        [user, answer, user],
        [system, user, answer, user, answer],
        [user, CALL, {"role": "tool", "name": "get_weather", "tool_call_id": "abcdef123", "content": '{"t": 3}'}, user],
        [system, user, {**CALL, "content": None}, {"role": "tool", "tool_call_id": "abcdef123", "content": "3"}, answer],
        [user, user],
        [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}]}],
        [system],
    ):
        yield {**base, "messages": messages}
        yield {**base, "messages": messages, "add_generation_prompt": False, "tools": None}
        yield {**base, "messages": messages, "tools": TOOLS}
        yield {**base, "messages": messages, "tools": None, "enable_thinking": False, "documents": [{"title": "T", "text": "x"}]}
        yield {"messages": messages}


class Programs:
    """Random template programs: mostly sensible, sometimes not."""

    TEXTS = ["a", "Hello World", " padded\n ", "", "온말 한국어", "x,y,,z", "ÀéÎ straße", "tab\there", "12", "-3.5", "'q\"", "\\n{}", "<b>&"]
    NAMES = ["s", "n", "f", "l", "d", "b", "u", "t", "z", "m"]
    VARIABLES = {
        "s": "Some Text, with  WORDS 한글",
        "n": 7,
        "f": 2.5,
        "l": [3, 1, 2, "b", "a"],
        "d": {"k": "v", "b": [1, 2], "A": None, "items": 5},
        "b": True,
        "z": None,
        "t": ["x", "Y", "z", "x"],
        "m": [{"role": "user", "content": " q "}, {"role": "assistant", "content": "A", "n": 2}, {"role": "user", "content": "B", "n": 1}],
    }

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.locals = []

    def pick(self, *choices):
        return self.random.choice(choices)

    def literal(self):
        kind = self.random.randrange(8)
        if kind < 3:
            text = self.random.choice(self.TEXTS)
            return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
        if kind < 5:
            return str(self.random.choice([0, 1, 2, 3, -1, 10, 1_000_000]))
        if kind == 5:
            return str(self.random.choice([0.5, 1.0, 2.25, 1e20, 1.5e-7]))
        return self.pick("true", "false", "none", "[]", "{}", "[1, 'a']", "(1, 2)", "{'k': 1}")

    def name(self):
        return self.random.choice(self.NAMES + self.locals + ["loop.index", "loop.first", "d.k", "d['b']", "m[0].role", "m[-1]['content']"])

    def expression(self, depth=3):
        r = self.random
        if depth == 0:
            return self.literal() if r.random() < 0.4 else self.name()
        e = lambda: self.expression(depth - 1)
        kind = r.randrange(16)
        if kind < 3:
            return self.name()
        if kind == 3:
            return self.literal()
        if kind == 4:
            return f"({e()} {self.pick('+', '-', '*', '/', '//', '%', '~', '~', '~')} {e()})"
        if kind == 5:
            return f"({e()} {self.pick('==', '!=', '<', '<=', '>', '>=', 'in', 'not in', '== 1 ==')} {e()})"
        if kind == 6:
            return f"({e()} {self.pick('and', 'or')} {e()})"
        if kind == 7:
            return f"(not {e()})"
        if kind == 8:
            return f"({e()} if {e()} else {e()})" if r.random() < 0.8 else f"({e()} if {e()})"
        if kind == 9:
            return f"({e()} is {self.pick('', 'not ')}{self.pick('defined', 'none', 'string', 'mapping', 'sequence', 'number', 'integer', 'boolean', 'iterable', 'true', 'false', 'odd', 'even', 'float', 'lower', 'upper', 'undefined', 'callable', 'divisibleby 3', 'equalto(1)', 'in [1, 2]', 'sameas none', 'eq 2', 'gt 1')})"
        if kind == 10:
            return f"{e()}[{self.pick('0', '-1', '1:', ':2', '::-1', '-3:-1', '::2', chr(39) + 'k' + chr(39), '5', '1:0:-1')}]"
        if kind == 11:
            return f"{self.name()}.{self.pick('k', 'role', 'items()', 'keys()|list', 'values()|list', 'get(' + chr(39) + 'k' + chr(39) + ')', 'get(1, 2)', 'content', 'upper()', 'strip()', 'x')}"
        if kind == 12:
            return f"({e()}|string).{self.method()}"
        return f"({e()})|{self.filter()}"

    def method(self):
        q = lambda: "'" + self.random.choice(["a", " ", "o", ",", "l", "x", "한", "W", "ab"]) + "'"
        return self.pick(
            f"split({q()})", "split()", f"split({q()}, 1)", f"rsplit({q()}, 1)", "strip()", f"lstrip({q()})", f"rstrip({q()})",
            f"startswith({q()})", f"endswith({q()})", f"replace({q()}, {q()})", f"replace({q()}, {q()}, 1)", "upper()", "lower()",
            "title()", "capitalize()", f"find({q()})", f"rfind({q()})", f"count({q()})", f"index({q()})", "splitlines()", "isdigit()", "isalpha()",
            "isspace()", "isupper()", f"partition({q()})", "swapcase()", "zfill(8)", "center(11)", "ljust(9, '.')", f"removeprefix({q()})",
            "istitle()", "isalnum()", f"join(['a', 'b'])", "format(1, 2)", "islower()", f"rpartition({q()})",
        )

    def filter(self):
        return self.pick(
            "trim", "upper", "lower", "title", "capitalize", "length", "string", "list", "tojson", "tojson(indent=2)", "int", "float", "abs",
            "round", "round(1)", "round(1, 'floor')", "first", "last", "join(',')", "join", "default('D')", "default('D', true)", "replace('a', 'b')",
            "reverse|list", "sort", "sort(reverse=true)", "unique|list", "map('upper')|list", "select('string')|list", "reject('none')|list",
            "map(attribute='role')|list", "selectattr('role', 'equalto', 'user')|list", "rejectattr('n')|list", "selectattr('n', 'defined')|list",
            "indent", "indent(2, true)", "min", "max", "sum", "wordcount", "batch(2)|list", "items|list", "dictsort", "escape", "urlencode", "count",
            "sort(attribute='role')", "map(attribute='content')|map('trim')|join('|')", "groupby('role')", "slice(2)|list", "center(20)", "d(1)",
            "int(5)", "truncate(5)", "length > 1", "sum(attribute='n')", "map('int')|sum", "tojson(sort_keys=true)", "safe", "attr('k')", "min(attribute='n')",
        )

    def statements(self, depth=3):
        return "".join(self.statement(depth) for _ in range(self.random.randrange(1, 4)))

    def tag(self, text):
        left = self.pick("", "", "-", "+")
        right = self.pick("", "", "-")
        return self.pick("", " ", "\n", "\n  ", "x ", "") + "{%" + left + " " + text + " " + right + "%}" + self.pick("", "\n", " \n", "y")

    def statement(self, depth):
        r = self.random
        kind = r.randrange(12) if depth > 0 else r.randrange(4)
        if kind < 3:
            return self.pick("", " ", "\n", "text ", "{# note #}\n", "{#- n -#} ") + "{{" + self.pick("", "-", " ") + " " + self.expression() + " " + self.pick("", "-") + "}}" + self.pick("", "\n", " ")
        if kind == 3:
            name = self.pick("v", "w", "s2")
            made = self.tag(f"set {name} = {self.expression()}")
            self.locals.append(name)
            return made
        if kind == 4:
            return self.tag(f"if {self.expression()}") + self.statements(depth - 1) + (self.tag(f"elif {self.expression()}") + self.statements(depth - 1) if r.random() < 0.3 else "") + (self.tag("else") + self.statements(depth - 1) if r.random() < 0.5 else "") + self.tag("endif")
        if kind < 7:
            what = self.pick("l", "m", "t", "d", "s[:3]", "range(3)", "range(1, 6, 2)", "d.items()", "u", "m|selectattr('n', 'defined')", "[[1, 2], [3, 4]]", self.expression(1))
            target = "k, v" if what in ("d.items()", "[[1, 2], [3, 4]]") else "x"
            self.locals += target.split(", ")
            inside = self.statements(depth - 1)
            extra = self.pick("", "", "{{ loop.index }}/{{ loop.length }}{{ ',' if not loop.last }}", "{% if loop.index > 1 %}{% break %}{% endif %}", "{% if loop.first %}{% continue %}{% endif %}", "{{ loop.previtem }}|{{ loop.nextitem }}", "{{ loop.cycle('a', 'b') }}{{ loop.revindex0 }}")
            condition = f" if {self.expression(1)}" if r.random() < 0.2 else ""
            return self.tag(f"for {target} in {what}{condition}") + inside + extra + (self.tag("else") + "none" if r.random() < 0.3 else "") + self.tag("endfor")
        if kind == 7:
            name = self.pick("f1", "f2")
            body = self.statements(depth - 1)
            return self.tag(f"macro {name}(p, q={self.literal()})") + "[{{ p }}:{{ q }}]" + body + self.tag("endmacro") + "{{ " + f"{name}({self.pick('', self.expression(1))}{self.pick('', ', q=3')})".replace("(, ", "(") + " }}"
        if kind == 8:
            return self.tag("set ns = namespace(c=0)") + self.tag(f"for x in {self.pick('l', 't', 'm')}") + self.tag(f"set ns.c = ns.c + {self.pick('1', 'loop.index', 'x')}") + self.tag("endfor") + "{{ ns.c }}"
        if kind == 9:
            self.locals.append("bs")
            return self.tag(self.pick("set bs", "set bs | upper", "set bs | trim | length")) + self.statements(depth - 1) + self.tag("endset") + "{{ bs }}"
        if kind == 10:
            return self.pick(
                self.tag("raw") + "{{ not }} {% this %}" + self.tag("endraw"),
                self.tag("filter upper") + self.statements(depth - 1) + self.tag("endfilter"),
                self.tag("with v = 1, w = n") + self.statements(depth - 1) + "{{ v + w }}" + self.tag("endwith"),
                self.tag("generation") + self.statements(depth - 1) + self.tag("endgeneration"),
                self.tag("macro box(a)") + "<{{ caller(a) }}>" + self.tag("endmacro") + self.tag("call(y) box(n)") + "{{ y }}" + self.statements(0) + self.tag("endcall"),
                "{% for x in [[1, [2, 3]], 4] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}@{{ loop.depth }}{% endif %}{% endfor %}",
            )
        return self.pick("{{ '%s=%d %.2f' % (s, n, f) }}", "{{ '{} {a!r:>8} {0:05d}'.format(n, a=s[:3]) }}" if False else "{{ '{} {:>8}'.format(n, s[:3]) }}", "{{ strftime_now('%Y-%m-%d') }}", "{% if n == 8 %}{{ raise_exception('no') }}{% endif %}", "{{ joiner }}"[:0], "{{ dict(a=1)|tojson }}")


def same(ours, theirs):
    if "error" in ours or "error" in theirs:
        return ("error" in ours) == ("error" in theirs)
    return ours["text"] == theirs["text"]


def volatile(text):
    """Addresses of Python's objects are nobody's business."""
    return " object at 0x" in text or "<function" in text or "<built-in" in text or "<bound method" in text or "Macro" in text or "dict_" in text


def show(case, ours, theirs):
    print("---- template:")
    print(case["template"][:3000])
    print("---- variables:", json.dumps(case["variables"], ensure_ascii=False)[:600])
    print("ours:  ", json.dumps(ours, ensure_ascii=False)[-700:])
    print("jinja2:", json.dumps(theirs, ensure_ascii=False)[-700:])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--random", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder")
    parser.add_argument("--show", type=int, default=5)
    arguments = parser.parse_args()

    cases = []
    folders = [pathlib.Path(__file__).parent / "templates"] + ([pathlib.Path(arguments.folder)] if arguments.folder else [])
    names = [path for folder in folders for path in sorted(folder.glob("*.jinja"))]
    for path in names:
        for variables in conversations():
            cases.append({"template": path.read_text(), "variables": variables, "name": path.name})
    for seed in range(arguments.random):
        cases.append({"template": Programs(arguments.seed * 1_000_003 + seed).statements(), "variables": Programs.VARIABLES, "name": "random"})
    lines = "".join(json.dumps({"now": NOW, **case}, ensure_ascii=False) + "\n" for case in cases)
    run = subprocess.run([arguments.program], input=lines.encode("utf-8", "surrogatepass"), stdout=subprocess.PIPE, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(cases), (len(answers), len(cases))
    wrong, texts, errors, left_out, per_name = 0, 0, 0, 0, {}
    for case, ours in zip(cases, answers):
        theirs = reference(case["template"], case["variables"])
        # Integers beyond 64 bits are an error of ours alone; slicing what is no sequence is one there, but
        # undefined where Jinja folds constants.
        if ("text" in theirs and volatile(theirs["text"])) or any(
                what in ours.get("error", "") for what in ("too large", "cannot be sliced")):
            left_out += 1
            continue
        texts += "text" in theirs
        errors += "error" in theirs
        if same(ours, theirs):
            continue
        wrong += 1
        per_name[case["name"]] = per_name.get(case["name"], 0) + 1
        if wrong <= arguments.show:
            show(case, ours, theirs)
    print(f"{len(names)} templates and {arguments.random} random programs: {texts} texts and {errors} errors compared, {left_out} left out, {wrong} differ {per_name or ''}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
