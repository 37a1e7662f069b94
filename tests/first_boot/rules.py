"""Cases of the rules that the first boot's shell programs keep, which no linter knows."""

import re
import unittest
from typing import NamedTuple

from sandbox import PROGRAMS

# Fail never, or end what they are in.
SURE = ("local", "return", "continue", "break", "exit", "fail", "note", "echo", "printf", ":", "shift", "set")
KEYWORDS = ("if", "elif", "while", "until", "for", "case", "then", "else", "fi", "do", "done", "esac", "{", "}", ";;")
QUOTED = re.compile(r"'[^']*'")


MAIN = ""


class Function(NamedTuple):
    """A function and its lines, without comments; a command that goes over several is one."""

    name: str
    lines: list[str]


def commands(text: str) -> list[str]:
    """The lines of a program, where a command that goes on in the next line is joined with it."""
    text = re.sub(r"(?m)^\s*#.*\n", "", text)
    text = re.sub(r"-Ic '[^']*'", "-Ic ''", text)  # another language
    text = re.sub(r"<<-END(.*)\n(?:.*\n)*?\tEND\n", r"\1\n", text)
    return re.sub(r"(\\|\|\||&&|\|)\n\s*", r"\1 ", text).split("\n")


def functions(name: str) -> list[Function]:
    """The functions of a program, and its main part."""
    main = Function(MAIN, [])
    found = [main]
    current = main
    for line in commands((PROGRAMS / name).read_text()):
        if match := re.fullmatch(r"(\w+)\(\) \{ ?(.*)", line):
            current = Function(match[1], [])
            found.append(current)
            if match[2]:
                current.lines.extend(part.strip() for part in match[2].removesuffix("}").rstrip(" ;").split("; "))
                current = main
        elif line == "}":
            current = main
        elif line.strip():
            current.lines.append(line.strip())
    return found


def called(line: str, names: set[str]) -> set[str]:
    """The functions that a line calls."""
    place = r"(?:^|[;|({!&] ?|\b(?:then|do|else|if|elif|until|while) )"
    return {name for name in names if re.search(rf"{place}{name}(?=[ );]|$)", QUOTED.sub("''", line))}


def unheld(known: list[Function]) -> set[str]:
    """The functions in which `set -e` does not hold: tested by `||` and the like, or called by one of these."""
    names = {function.name for function in known} - {MAIN}
    found = set()
    for line in (line for function in known for line in function.lines):
        *tested, last = re.split(r"\|\||&&", line)
        if re.match(r"(if|elif|until|while|!) ", line):
            tested.append(last)
        for part in tested:
            found |= called(part.strip(), names)
    while True:
        more = {
            name
            for function in known
            if function.name in found
            for line in function.lines
            for name in called(line, names)
        }
        if more <= found:
            return found
        found |= more


def answered(line: str) -> bool:
    """Whether a failure of this command cannot pass unseen."""
    first = line.split(maxsplit=1)[0]
    is_assignment = re.match(r"\w+\+?=", line) and not re.search(r"\$\((?!\()", line)
    is_pattern = re.fullmatch(r"[^ ]+\)( .*;;)?", line)
    return bool(first in SURE or first in KEYWORDS or "||" in line or is_assignment or is_pattern)


class Rules(unittest.TestCase):
    """The text of the programs."""

    def test_where_errexit_does_not_hold_every_command_has_an_answer_to_its_failure(self) -> None:
        seen = set()
        for program in ("bootstrap.sh", "apply.sh"):
            known = functions(program)
            for function in known:
                if function.name not in unheld(known):
                    continue
                seen.add(function.name)
                for line in function.lines[:-1]:  # the last one's status is the function's
                    with self.subTest(f"{program}: {function.name}: {line}"):
                        self.assertTrue(answered(line))
        self.assertLessEqual({"on_volumes", "at_urls", "all_found", "take", "healthy", "probe"}, seen)
        self.assertFalse({"unpack", "apply", "find_parts", "wait_for_health"} & seen)

    def test_the_rule_sees_a_command_without_an_answer(self) -> None:
        for line in ('mkdir -p "$volume"', "rm -f x && echo", 'found=$(stat "$1")', "sort x | uniq >y", "take a"):
            self.assertFalse(answered(line), line)

    def test_functions_set_their_own_variables_alone(self) -> None:
        for program in ("bootstrap.sh", "apply.sh", "releases.sh"):
            for function in functions(program)[1:]:
                text = "\n".join(QUOTED.sub("''", line) for line in function.lines)
                own = set(re.findall(r"[\w]+", " ".join(re.findall(r"\blocal (?:-x )?([^;\n]*)", text))))
                read = " ".join(re.findall(r"\bread -r ([\w ]+?)(?:;| <|$| \|\|)", text, re.MULTILINE)).split()
                looped = re.findall(r"\bfor (\w+)", text)
                assigned = re.findall(r"(?:^|[;&|{(] |\bthen |\blocal |\b\w+=\S* )(\w+)\+?=", text, re.MULTILINE)
                with self.subTest(f"{program}: {function.name}"):
                    self.assertLessEqual({*read, *looped, *assigned} - {"_"}, own)
