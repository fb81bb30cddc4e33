"""Just enough of C++ for the rules: code without comments and literals, functions, statements.

All functions keep positions: line n of what they return is line n of the file.
"""

import re

_TOKEN = re.compile(r"""
    (?P<line>//[^\n]*)
  | (?P<block>/\*.*?\*/)
  | (?P<raw>R"(?P<mark>[^()\s\\"]{0,16})\(.*?\)(?P=mark)")
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<char>(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+')
""", re.VERBOSE | re.DOTALL)
_LEXEME = re.compile(r"[A-Za-z_]\w*|\d[\w.']*|::|->|&&|\|\||\S")


def _blank(text, keep):
    return keep + re.sub(r"[^\n]", " ", text[len(keep):])


def code_only(text):
    """The text with comments blanked and every literal reduced to its opening quote."""
    def replace(match):
        if match.group("line") or match.group("block"):
            return _blank(match.group(), "")
        return _blank(match.group(), "'" if match.group("char") else '"')
    return _TOKEN.sub(replace, text)


def without_directives(code):
    """Preprocessor lines blanked, with their continuation lines."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: _blank(m.group(), ""), code,
                  flags=re.MULTILINE)


class Lexeme:
    def __init__(self, text, line):
        self.text, self.line = text, line

    def is_word(self):
        return self.text[0].isalpha() or self.text[0] == "_"


def lexemes(text):
    """The lexemes of a file's code, each with its line."""
    code, found, line, last = without_directives(code_only(text)), [], 1, 0
    for match in _LEXEME.finditer(code):
        line += code.count("\n", last, match.start())
        last = match.start()
        found.append(Lexeme(match.group(), line))
    return found


_SCOPES = ("namespace", "class", "struct", "union", "enum", "extern")
_AFTER_PARAMETERS = ("const", "noexcept", "override", "final", "mutable", "try", ")", "}", "&",
                     "&&")


def _opens_function(head):
    """Is the `{` that follows these lexemes (since the last statement) a function's body?"""
    words = [lexeme.text for lexeme in head]
    if "(" not in words:
        return False
    first = words.index("(")
    if any(word in _SCOPES for word in words[:first]) and words[-1] not in _AFTER_PARAMETERS:
        return False
    if words[-1] in _AFTER_PARAMETERS:
        return True
    return "->" in words[first:] and ":" not in words[first:]


def functions(text):
    """(first line, lines, name) of each function defined outside of another function."""
    found, head, depth_of_body, depth, skip = [], [], None, 0, None
    for lexeme in lexemes(text):
        word = lexeme.text
        if word == "{":
            depth += 1
            if skip is None and depth_of_body is None:
                if _opens_function(head):
                    depth_of_body, start = depth, head[0].line
                    name = _name_of(head)
                elif head and ("(" in [h.text for h in head] or head[-1].text == "="):
                    skip = depth  # an initialiser: `member_{…}` of a constructor, a table of data
                else:
                    head = []
        elif word == "}":
            if depth_of_body == depth:
                found.append((start, lexeme.line - start + 1, name))
                depth_of_body, head = None, []
            elif skip == depth:
                skip = None
                head.append(lexeme)
            elif depth_of_body is None and skip is None:
                head = []
            depth -= 1
        elif depth_of_body is None and skip is None:
            if word == ";" or (word == ":" and head and
                               head[-1].text in ("public", "private", "protected")):
                head = []
            else:
                head.append(lexeme)
    return found


def _name_of(head):
    words = [lexeme.text for lexeme in head]
    first = words.index("(")
    return words[first - 1] if first > 0 else "?"


class Statement:
    """One statement: what stands in it, but not what stands in the bodies of its lambdas."""

    def __init__(self):
        self.line = None
        self.awaits = False
        self.braces = []        # lines of braces that build a value
        self.captures = []      # lines of lambdas that capture by value
        self.parens = 0


class _Lambda:
    def __init__(self, captures, line):
        self.captures, self.line, self.coroutine = captures, line, False


def _captures_value(words):
    depth, item = 0, []
    for word in words + [","]:
        if word == "," and depth == 0:
            if item and item[0] != "&" and item != ["this"]:
                return True
            if len(item) > 2 and item[0] == "&" and "=" in item:
                pass  # `&x = y` is a reference too
            item = []
            continue
        depth += word in "([{"
        depth -= word in ")]}"
        item.append(word)
    return False


class Statements:
    """Splits code into statements; `done` and `coroutine_lambdas` hold what the rules ask for."""

    def __init__(self, text):
        self.words = lexemes(text)
        self.done, self.coroutine_lambdas = [], []
        self._stack = []        # what each open brace is: block, value, or a _Lambda
        self._current = Statement()
        self._outer = []        # statements interrupted by the body of a lambda
        self._run()

    def _run(self):
        index, pending = 0, None
        while index < len(self.words):
            lexeme = self.words[index]
            word, now = lexeme.text, self._current
            now.line = now.line or lexeme.line
            if word == "[" and self._starts_lambda(index):
                index, pending = self._read_captures(index)
                continue
            if word == "{":
                self._open(index, pending)
                pending = None if pending and self._stack[-1] is pending else pending
            elif word == "}":
                self._close()
            elif word == ";" and now.parens == 0 and "value" not in self._stack[-1:]:
                self._end()
            else:
                now.parens += (word == "(") - (word == ")")
                if word in ("co_await", "co_return", "co_yield"):
                    now.awaits |= word == "co_await"
                    self._mark_coroutine()
            index += 1
        self._end()

    def _mark_coroutine(self):
        for opened in reversed(self._stack):
            if isinstance(opened, _Lambda):
                opened.coroutine = True
                return

    def _starts_lambda(self, index):
        before = self.words[index - 1] if index else None
        after = self.words[index + 1].text if index + 1 < len(self.words) else ""
        if after == "[" or (before and before.text == "["):
            return False  # an attribute
        if before is None:
            return False
        if before.text in ("return", "co_return", "co_await", "co_yield", "case"):
            return True
        return not (before.is_word() or before.text in (")", "]", '"') or before.text[0].isdigit())

    def _read_captures(self, index):
        start, depth, words = index, 0, []
        while index < len(self.words):
            word = self.words[index].text
            depth += (word == "[") - (word == "]")
            if depth == 0:
                break
            words.append(word)
            index += 1
        line = self.words[start].line
        if _captures_value(words[1:]):
            self._current.captures.append(line)
        return index + 1, _Lambda(words[1:], line)

    def _open(self, index, pending):
        before = self.words[index - 1].text if index else ";"
        if pending and (before in _AFTER_PARAMETERS + ("]", ">") or
                        self.words[index - 1].is_word()):
            self._stack.append(pending)
            self._outer.append(self._current)
            self._current = Statement()
        elif self._current.parens == 0 and self._is_block(index, before):
            self._end()
            self._stack.append("block")
        else:
            self._stack.append("value")
            self._current.braces.append(self.words[index].line)

    def _is_block(self, index, before):
        if before in (")", "else", "do", "try", ";", "{", "}", ":", "const", "noexcept",
                      "override", "final", "&&"):
            return True
        head, position = [], index - 1
        while position >= 0 and self.words[position].text not in (";", "{", "}"):
            head.append(self.words[position].text)
            position -= 1
        return any(word in _SCOPES for word in head) or ("->" in head and ")" in head) or not head

    def _close(self):
        opened = self._stack.pop() if self._stack else "block"
        if opened == "value":
            return
        self._end()
        if isinstance(opened, _Lambda):
            if opened.coroutine and opened.captures:
                self.coroutine_lambdas.append(opened.line)
            self._current = self._outer.pop()

    def _end(self):
        if self._current.line:
            self.done.append(self._current)
        self._current = Statement()
