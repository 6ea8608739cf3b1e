"""Splits a script of psql into what it sends and what it tells psql itself."""

import dataclasses
import re

DOLLAR = re.compile(r"\$(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$")
WORD = re.compile(r"[A-Za-z_\x80-\uffff][\w$\x80-\uffff]*")
VARIABLE = re.compile(r":(?:'(\w+)'|\"(\w+)\"|(\w+))")
COPY_IN = re.compile(r"\s*copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
# A function with a body of the standard: its semicolons end nothing.
ATOMIC = re.compile(r"\bbegin\s+atomic\b", re.IGNORECASE)


@dataclasses.dataclass
class Statement:
    """One statement, without its semicolon; `data` is what follows COPY FROM STDIN, `then` a command such as \\gset."""

    text: str
    line: int
    data: str | None = None
    then: str | None = None


@dataclasses.dataclass
class Command:
    """A backslash command between statements."""

    text: str
    line: int


def quoted(text, at):
    """The end of the string, quoted name, comment or dollar-quoted string that starts at `at`; None if none does."""
    char = text[at]
    if char == "'":
        escapes = at > 0 and text[at - 1] in "eE" and not (at > 1 and (text[at - 2].isalnum() or text[at - 2] == "_"))
        end = at + 1
        while end < len(text):
            if escapes and text[end] == "\\":
                end += 2
            elif text[end] == "'":
                if text[end + 1 : end + 2] != "'":
                    return end + 1
                end += 2
            else:
                end += 1
        return len(text)
    if char == '"':
        end = text.find('"', at + 1)
        return len(text) if end < 0 else end + 1
    if text.startswith("--", at):
        end = text.find("\n", at)
        return len(text) if end < 0 else end
    if text.startswith("/*", at):
        depth, end = 1, at + 2
        while depth and end < len(text):
            if text.startswith("/*", end):
                depth, end = depth + 1, end + 2
            elif text.startswith("*/", end):
                depth, end = depth - 1, end + 2
            else:
                end += 1
        return end
    if char == "$" and not (at > 0 and (text[at - 1].isalnum() or text[at - 1] in "_$")):
        tag = DOLLAR.match(text, at)
        if tag:
            end = text.find(tag.group(), tag.end())
            return len(text) if end < 0 else end + len(tag.group())
    return None


def bare(text):
    """The text with a blank for each comment, and `''` for each string and quoted name."""
    out, at = [], 0
    while at < len(text):
        end = quoted(text, at)
        if end is None:
            out.append(text[at])
            at += 1
        else:
            out.append(" " if text.startswith(("--", "/*"), at) else "''")
            at = end
    return "".join(out)


def split(text):
    """Statements and commands in their order."""
    parts, at, start, depth = [], 0, 0, 0
    buffer = []

    def take():
        nonlocal buffer, depth
        statement = "".join(buffer)
        buffer, depth = [], 0
        lead = len(statement) - len(statement.lstrip())
        line = text.count("\n", 0, start + lead) + 1
        return Statement(statement.strip(), line)

    while at < len(text):
        char = text[at]
        end = quoted(text, at)
        if end is not None:
            # Comments before a statement are no part of it.
            if text.startswith(("--", "/*"), at) and not "".join(buffer).strip():
                buffer, start = [], end
            else:
                buffer.append(text[at:end])
            at = end
        elif text.startswith("\\;", at):
            buffer.append(";")
            at += 2
        elif char == "\\":
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            command = text[at:end].strip()
            line = text.count("\n", 0, at) + 1
            statement = take()
            if command.startswith("\\g") and not command.startswith("\\getenv"):
                if statement.text:
                    statement.then = command
                    parts.append(statement)
                else:
                    parts.append(Command(command, line))
            elif command.startswith(("\\r", "\\crosstabview", "\\watch")) or not statement.text:
                if command.startswith(("\\crosstabview", "\\watch")) and statement.text:
                    parts.append(statement)
                parts.append(Command(command, line))
            else:
                # psql goes on with the statement after the command.
                parts.append(Command(command, line))
                buffer = [statement.text + "\n"]
                start = start if statement.text else end
                at = end
                continue
            at = start = end
        elif char == ";" and depth <= 0 and not open_body("".join(buffer)):
            statement = take()
            at += 1
            start = at
            if not statement.text:
                continue
            if COPY_IN.match(bare(statement.text)):
                line_end = text.find("\n", at)
                rest = text[line_end + 1 :] if line_end >= 0 else ""
                stop = re.search(r"^\\\.[ \t]*$\n?", rest, re.MULTILINE)
                statement.data = rest[: stop.start()] if stop else rest
                at = start = line_end + 1 + (stop.end() if stop else len(rest)) if line_end >= 0 else len(text)
            parts.append(statement)
        else:
            if char in "([":
                depth += 1
            elif char in ")]":
                depth -= 1
            word = WORD.match(text, at)
            piece = word.group() if word else char
            # E'…' is one token: the letter alone, so that the string after it is seen as one with escapes.
            if not buffer and piece.isspace():
                pass
            buffer.append(piece)
            at += len(piece)
    if "".join(buffer).strip():
        parts.append(take())
    return parts


def open_body(text):
    """Whether a BEGIN ATOMIC still waits for its END."""
    plain = bare(text)
    body = ATOMIC.search(plain)
    if not body:
        return False
    rest = plain[body.end() :]
    opened = 1 + len(re.findall(r"\bcase\b", rest, re.IGNORECASE))
    return opened > len(re.findall(r"\bend\b", rest, re.IGNORECASE))


def substitute(text, variables):
    """Puts psql's variables in: :name, :'name', :"name", outside strings and comments."""
    out, at = [], 0
    while at < len(text):
        end = quoted(text, at)
        if end is not None:
            out.append(text[at:end])
            at = end
            continue
        if text.startswith("::", at):
            out.append("::")
            at += 2
            continue
        found = VARIABLE.match(text, at)
        name = found and (found.group(1) or found.group(2) or found.group(3))
        if found and name in variables:
            value = variables[name]
            if found.group(1):
                value = "'" + value.replace("'", "''") + "'"
            elif found.group(2):
                value = '"' + value.replace('"', '""') + '"'
            out.append(value)
            at = found.end()
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def top_level(text):
    """The bare text without what stands in brackets, in small letters."""
    out, depth = [], 0
    for char in bare(text):
        depth += char in "(["
        if depth == 0:
            out.append(char)
        depth -= char in ")]" and depth > 0
    return "".join(out).lower()


def ordered(text):
    """Whether the rows of the statement have an order that it asks for."""
    return re.search(r"\border\s+by\b", top_level(text)) is not None
