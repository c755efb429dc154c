"""What a CUDA text declares, and where: its functions, types and variables, one `Item` each, told apart by a parser.

The parser finds where things begin and end; which names stand in them, regular expressions tell.
"""

import re
from dataclasses import dataclass, field

from .parser import parse

NAME = re.compile(r"(?P<member>(?:\.|->)\s*)?(?<!\w)(?P<name>[A-Za-z_]\w*)(?P<called>\s*[(<])?")
CONTAINERS = {
    "translation_unit", "namespace_definition", "declaration_list", "linkage_specification", "preproc_if", "preproc_ifdef",
    "preproc_elif", "preproc_elifdef", "preproc_else", "ERROR",
}  # fmt: skip
CONDITIONS = {"preproc_if", "preproc_ifdef", "preproc_elif", "preproc_elifdef", "preproc_else"}
TYPES = {"struct_specifier", "class_specifier", "union_specifier", "enum_specifier"}
KEPT = {"preproc_include", "preproc_undef", "preproc_call", "comment"}  # program.py looks at includes
DROPPED = {"template_instantiation", "static_assert_declaration"}


@dataclass
class Item:
    """A declaration: what it is ("function", "type", "variable", "macro" …), where it stands, the names that it gives, and those
    that stand in it: all, those of members (`a.size`), and those that are called.

    `runs_on` is "device" or "host" where a function says so, else ""; `is_defined` where it has a body. `conditions` are the
    (line, text) of the `#if`s around it.
    `needs` are names of which one at least has to be reached as well: the class of a member, an operator's operands.
    """

    kind: str
    begin: int
    end: int
    names: set
    mentions: set = field(default_factory=set)
    members_used: set = field(default_factory=set)
    calls: set = field(default_factory=set)
    needs: set = field(default_factory=set)
    runs_on: str = ""
    is_kernel: bool = False
    is_defined: bool = False
    is_template: bool = False
    launches: bool = False
    members: list = field(default_factory=list)
    parameters: list = field(default_factory=list)  # (name, text) of a function's
    declares: set = field(default_factory=set)  # the names that are variables'
    fields: set = field(default_factory=set)  # the names of a type's
    conditions: tuple = ()


def outline(text):
    """Every Item of a text that `as_bytes` made. Raises MiniganError where the parser is missing."""
    it = parse(text)
    return [*_Outline(it).items(it.root), *(_Outline(it).use_of_macro(*span) for span in it.makers)]


class _Outline:
    def __init__(self, parsed):
        self.code, self.hidden = parsed.code, parsed.hidden
        self.kernel, self.device = (
            {word} | {name for name, body in parsed.macros.items() if re.search(rf"\b{word}\b", body)}
            for word in ("__global__", "__device__")
        )

    def items(self, node, conditions=()):
        """Every Item in a part of the text."""
        if node.type in CONDITIONS:
            conditions = (*conditions, self._condition(node))
        cut = None  # where an `#if` begins that cuts something in the middle, as two heads of one function
        for i, child in enumerate(node.children):
            if cut is None and self._cuts(node, i):
                cut = child.start_byte
            if cut is not None:
                if child.end_byte == node.end_byte or "#endif" in self._text(child):
                    yield self._halves(cut, child.end_byte, conditions)
                    cut = None
            elif child.type in CONTAINERS and not _is_one_declaration(child):
                yield from self.items(child, conditions)
            elif child.is_named and child.type not in KEPT and (item := self._item(child, conditions)):
                yield item

    def _cuts(self, node, i):
        """Whether a child of what the parser did not understand is an `#if` whose `#endif` stands inside of something else."""
        if node.type != "ERROR" or not node.children[i].type.startswith("#if"):
            return False
        return not any(self._text(other).startswith("#endif") for other in node.children[i:])

    def _condition(self, node):
        line = self.code[node.start_byte :].partition("\n")[0].strip()
        return node.start_point[0] + 1, line

    def _halves(self, begin, end, conditions):
        names = re.findall(r"([A-Za-z_]\w*)\s*\(", self.code[begin:end])
        return self._mentioning(Item("halves", begin, end, set(names), conditions=conditions))

    def use_of_macro(self, begin, end):
        """The Item of a macro that makes functions."""
        return self._mentioning(Item("use of a macro", begin, end, set()))

    def _item(self, node, conditions):
        within, is_template = node, False
        while within.type in ("template_declaration", "linkage_specification", "friend_declaration"):
            is_template |= within.type == "template_declaration" and "<>" not in self._text(within)[:12].replace(
                " ", ""
            )
            within = within.named_children[-1]
        item = self._made(within, node)
        if item:
            item.is_template, item.conditions = is_template and item.kind != "macro", conditions
        return item

    def _made(self, within, node):
        """The Item of a declaration `within` a node, which is it or the template around it."""
        kind, begin, end = within.type, self._begin(node), node.end_byte
        if kind in ("preproc_def", "preproc_function_def"):
            name = self._text(within.child_by_field_name("name"))
            return self._mentioning(Item("macro", begin, end, {name}))
        if kind == "using_declaration":
            name = self._text(within.named_children[-1])
            whole = self._text(within).split()[1] == "namespace"
            return Item("namespace", begin, end, {name}) if whole else Item("type", begin, end, {name.split("::")[-1]})
        if kind in DROPPED:
            return Item("dropped", begin, end, set())
        declared = _declarators(within)
        function = next((one for one in declared if one.type == "function_declarator" and not _is_pointer(one)), None)
        if kind in ("function_definition", "declaration", "field_declaration") and (function or _cast(within)):
            return self._function(within, function or _cast(within), begin, end)
        if kind in ("type_definition", "alias_declaration", "namespace_alias_definition", *TYPES) or _type_within(
            within
        ):
            return self._type(within, declared, begin, end)
        if kind in ("declaration", "function_definition"):
            names = {self._last_name(one) for one in declared}
            return self._mentioning(Item("variable", begin, end, names, declares=names))
        return (
            Item("dropped", begin, end, set()) if kind == "expression_statement" and "(" in self._text(within) else None
        )

    def _begin(self, node):
        """Where a declaration begins, with the words before it that the parser does not see."""
        begin = node.start_byte
        while (end := len(self.code[:begin].rstrip())) in self.hidden:
            begin = self.hidden[end]
        return begin

    def _function(self, within, declarator, begin, end):
        body = within.child_by_field_name("body")
        head = set(re.findall(r"\w+", self.code[begin : body.start_byte if body else end]))
        runs_on = "device" if head & (self.device | self.kernel) else "host" if "__host__" in head else ""
        item = self._mentioning(Item("function", begin, end, set(), runs_on=runs_on, is_defined=body is not None))
        name = declarator if declarator.type == "operator_cast" else declarator.child_by_field_name("declarator")
        spelt = re.sub(r"<[^<>]*>\s*$", "", self._text(name))
        *scope, own = re.split(r"::", spelt) if "operator" not in spelt else ("operator",)
        item.names = {own.strip(" ~\n")}
        item.needs = {re.sub(r"\s*<.*", "", one).strip() for one in scope[-1:]} - {""}
        item.is_kernel = bool(head & self.kernel)
        item.launches = "<<<" in self.code[begin:end]
        if parameters := declarator.child_by_field_name("parameters"):
            item.parameters = [self._parameter(one) for one in parameters.named_children if "parameter" in one.type]
            item.mentions -= {name for name, _ in item.parameters}  # which hide what has the same name outside
            if "operator" in item.names:
                item.needs = set(re.findall(r"[A-Za-z_]\w*", self._text(parameters)))
        return item

    def _parameter(self, node):
        declarator = node.child_by_field_name("declarator")
        return (self._last_name(declarator) if declarator else "", " ".join(self._text(node).split()))

    def _type(self, within, declared, begin, end):
        specifier = _type_within(within)
        item = Item("type", begin, end, {self._last_name(one) for one in declared})
        item.declares = set(item.names) if within.type == "declaration" else set()
        if name := within.child_by_field_name("name"):
            item.names.add(self._text(name))
        if within.type == "namespace_alias_definition":
            item.names.add(self._text(within.named_children[0]))
        body = specifier and specifier.child_by_field_name("body")
        if specifier and (name := specifier.child_by_field_name("name")):
            item.names.add(re.sub(r"\s*<.*", "", self._text(name), flags=re.S).split("::")[-1])
        if not body:
            return self._mentioning(item)
        item.members = [one for one in self.items(body) if one.kind == "function"]
        enumerators = [one for one in body.named_children if one.type == "enumerator"]
        item.names |= {self._text(one.named_children[0]) for one in enumerators}
        fields = [one for each in body.named_children if each.type == "field_declaration" for one in _declarators(each)]
        self._mentioning(item)
        item.fields = {self._last_name(one) for one in fields}
        item.mentions -= item.fields  # which hide what has the same name outside
        return item

    def _mentioning(self, item):
        """The item with the names that stand in it, but for its member functions'."""
        at, rest = item.begin, []
        for member in item.members:
            rest.append(self.code[at : member.begin])
            at = member.end
        for match in NAME.finditer("\n".join([*rest, self.code[at : item.end]])):
            (item.members_used if match["member"] else item.mentions).add(match["name"])
            if match["called"] and not match["member"]:
                item.calls.add(match["name"])
        return item

    def _last_name(self, declarator):
        names = re.findall(r"[A-Za-z_]\w*", re.split(r"[=({\[]", self._text(declarator).lstrip("(*& "))[0])
        return names[-1] if names else ""

    def _text(self, node):
        return self.code[node.start_byte : node.end_byte]


def _is_one_declaration(node):
    """Whether an `extern "C"` stands before one declaration, and not before some in braces."""
    return node.type == "linkage_specification" and node.named_children[-1].type != "declaration_list"


def _declarators(node):
    """What a declaration declares: each declarator, without pointers and references around it."""
    found = []
    for one in node.children_by_field_name("declarator"):
        while one.type in ("pointer_declarator", "reference_declarator"):
            inner = one.child_by_field_name("declarator") or (one.named_children[-1] if one.named_children else None)
            if inner is None:
                break
            one = inner
        found.append(one)
    return found


def _is_pointer(function):
    """Whether a function's declarator is that of a pointer to one, as in `void (*f)(int)`."""
    name = function.child_by_field_name("declarator")
    return name is not None and name.type == "parenthesized_declarator"


def _cast(node):
    """The declarator of a conversion, as in `operator float()`."""
    return next((one for one in node.children if one.type == "operator_cast"), None)


def _type_within(node):
    """The type that a declaration itself defines, with its members."""
    if node.type in TYPES:
        return node
    kind = node.child_by_field_name("type")
    return kind if kind is not None and kind.type in TYPES and kind.child_by_field_name("body") else None
