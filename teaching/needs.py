"""Which code of a notebook a check needs: its call, and the statements that define what it uses.

A check asks only for the student's function and for what that uses, so most of a notebook need not run to know its
verdict. Statements are chosen backwards, by the names that they bind and use. What a function uses may be defined after
it, as long as that is before the call. Nothing here runs.
"""

import ast
import symtable
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import nbformat
from IPython.core.inputtransformer2 import TransformerManager


@dataclass(frozen=True)
class Statement:
    """A statement at the top level of a cell, or a whole cell that is no Python.

    Attributes:
        cell: the index of its cell in the notebook.
        source: its code.
        binds: names that it assigns, defines or imports.
        changes: names of what it changes: `x[0] = 1`, `model.eval()`.
        uses: names that it looks up.
        later: those of them that only a function looks up, when it is called.
        always: whether what it binds is bound anew whatever happens, as in `x = 1`, and not in `if y: x = 1`.
        wanted: whether it is needed whatever it binds.
    """

    cell: int
    source: str
    binds: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    always: bool = True
    wanted: bool = field(default=False)


def needed(notebook: nbformat.NotebookNode, cells: Sequence[int]) -> dict[int, str]:
    """What has to run so that the last statement of each of these cells can.

    Returns for each cell that takes part, by its index, its code or some of it.
    """
    statements = [one for one in _statements(notebook, set(cells)) if one.cell <= max(cells, default=-1)]
    parts: dict[int, list[str]] = {}
    for i in sorted(_chosen(statements)):
        parts.setdefault(statements[i].cell, []).append(statements[i].source)
    return {cell: "\n".join(sources) for cell, sources in parts.items()}


def _chosen(statements: Sequence[Statement]) -> set[int]:
    """The indices of the statements that are wanted, and of those that define what the chosen ones use."""
    later: set[tuple[int, str]] = set()  # what functions use, and where these are defined
    while True:
        chosen, names = set(), set()
        for i in reversed(range(len(statements))):
            one = statements[i]
            if one.wanted:
                names |= {name for defined, name in later if defined < i}
            if one.wanted or (one.binds | one.changes) & names or "*" in one.binds:
                chosen.add(i)
                names = (names - one.binds if one.always else names) | one.uses
        found = {(i, name) for i in chosen for name in statements[i].later}
        if found <= later:
            return chosen
        later |= found


def _statements(notebook: nbformat.NotebookNode, wanted: set[int]) -> Iterator[Statement]:
    """All statements, in order. A cell with a slip is left out, unless it is wanted: then Python says what is wrong."""
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        try:
            nodes = ast.parse(TransformerManager().transform_cell(cell.source)).body  # with `!pip` as a call
        except (SyntaxError, ValueError):
            nodes = []
        if not nodes and i in wanted:
            yield Statement(i, cell.source, wanted=True)
        for node in nodes:
            yield _described(i, node, wanted=i in wanted and node is nodes[-1])


def _described(cell: int, node: ast.stmt, wanted: bool) -> Statement:
    source = ast.unparse(node)
    table = symtable.symtable(source, "cell", "exec")
    binds = {name.get_name() for name in table.get_symbols() if name.is_assigned() or name.is_imported()}
    everything = list(ast.walk(node))
    if any(isinstance(one, ast.alias) and one.name == "*" for one in everything):
        binds.add("*")
    changes = set(_changed(everything))
    again = {one.target.id for one in everything if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name)}
    functions = set().union(*map(_looked_up, table.get_children()))
    simple = (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    return Statement(
        cell,
        source,
        frozenset(binds),
        frozenset(changes),
        frozenset(_looked_up(table) | again | changes),
        frozenset(functions),
        isinstance(node, simple),
        wanted,
    )


def _looked_up(table: symtable.SymbolTable) -> set[str]:
    """Names that a piece of code looks up outside its functions, or that a function looks up outside itself."""
    at_top = table.get_type() == "module"
    names = {name.get_name() for name in table.get_symbols() if name.is_referenced() and (at_top or name.is_global())}
    return names.union(*map(_looked_up, table.get_children()))


def _changed(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names of what a statement changes without assigning to it; a call for its value, `y = x.mean()`, does not."""
    for one in nodes:
        if isinstance(one, ast.Attribute | ast.Subscript) and isinstance(one.ctx, ast.Store | ast.Del):
            yield from _base(one)
        elif (
            isinstance(one, ast.Expr) and isinstance(one.value, ast.Call) and isinstance(one.value.func, ast.Attribute)
        ):
            yield from _base(one.value.func)


def _base(node: ast.expr) -> Iterator[str]:
    """The name at the beginning of `name.a[0].b`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id
