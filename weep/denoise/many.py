"""Independent problems (11): each one's run, and what all of them together have found."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..penalties import Penalty
from .admm import ADMM
from .closed_form import CLOSED_FORM
from .problem import Array, Problem
from .solver import Callback, Result, Solver, Trace
from .structure import Stack
from .units import Units


class Run(NamedTuple):
    """How each problem is to be solved."""

    methods: Sequence[Solver]
    method: str
    phi: Penalty
    tol: float
    max_iter: int
    callback: Callback | None
    rho: float | None

    def choose(self, problem: Problem) -> Solver:
        """The solver of that name, or the first that takes the problem; ADMM if its step is given."""
        if self.method == "auto":
            candidates = list(self.methods) if self.rho is None else [ADMM]
        else:
            candidates = [solver for solver in self.methods if solver.name == self.method]
            if not candidates:
                names = ", ".join(repr(solver.name) for solver in self.methods)
                raise ValueError(f"method={self.method!r} must be one of 'auto', {names}")
            if self.rho is not None and candidates != [ADMM]:
                raise ValueError(f"rho={self.rho!r} is a parameter of ADMM, and method={self.method!r} has none")
        for solver in candidates:
            if solver.takes(problem) and (self.method != "auto" or solver.auto(problem, self.tol)):
                return solver
        needs = "; ".join(f"method={solver.name!r} needs {solver.needs}" for solver in candidates)
        found = f"{self.phi!r} and {len(problem.axes)} axes"
        found += ", with weights" if problem.weights is not None else ""
        found += ", with an array lam" if problem.lams is not None else ""
        raise ValueError(f"{needs}: not {found}")

    def one(self, stack: Stack, k: int, start: Array | None) -> tuple[Result, str | None]:
        """Solve one problem; return what was found, and a complaint if it has not converged."""
        data = stack.y[k]
        units, centred = Units.of(data)
        problem = stack.problem(k, centred, units.penalty(self.phi), self.rho)
        first = centred if start is None else units.into(start)
        solver, trace = self.choose(problem), Trace(problem, units, self.tol, self.max_iter, self.callback)
        if problem.trivial:
            trace.settle(centred)
            return trace.result(data.copy(), CLOSED_FORM.name), None
        x = solver.run(problem, first, trace)
        complaint = trace.complaint(solver.name)
        return trace.result(units.back(x, out=x), solver.name), complaint  # x is nobody else's: spare the memory


class Found(NamedTuple):
    """What was found of some problems of a stack, from many at once or from one."""

    which: Array
    x: Array
    history: Array  # sums of objectives and largest residuals, and the last row stays
    objective: float
    converged: bool
    method: str
    certificate: str


def many(run: Run, stack: Stack, starts: Array | None) -> tuple[list[Found], dict[int, str]]:
    """Solve all problems of a stack: at once where the method can, and the rest one by one."""
    found: list[Found] = []
    complaints: dict[int, str] = {}
    left = np.arange(len(stack.y))
    if len(left) > 1:
        solver = run.choose(stack.problem(0, stack.y[0], run.phi, run.rho))
        if solver.many is not None:
            found, complaints, left = solver.many(run, stack, starts)
    for k in map(int, left):
        result, complaint = run.one(stack, k, None if starts is None else starts[k])
        x, value = result.x[None], result.objective
        found.append(
            Found(np.array([k]), x, result.history, value, result.converged, result.method, result.certificate)
        )
        if complaint is not None:
            complaints[k] = complaint
    return found, complaints


def together(found: Sequence[Found], stack: Stack) -> Result:
    """One result of all."""
    out = found[0].x if len(found) == 1 else np.empty_like(stack.y)  # then they are all, in order
    length = max((len(part.history) for part in found), default=0)
    history = np.zeros((length, 2))
    for part in found:
        if len(found) > 1:
            out[part.which] = part.x
        rows = len(part.history)
        history[:rows, 0] += part.history[:, 0]
        history[rows:, 0] += part.objective
        history[:rows, 1] = np.maximum(history[:rows, 1], part.history[:, 1])
        if rows:
            history[rows:, 1] = np.maximum(history[rows:, 1], part.history[-1, 1])
    converged = all(part.converged for part in found)
    known = min((part.certificate for part in found), key=["none", "stationary", "global"].index, default="global")
    methods = [part.method for part in found if part.history.size] + [part.method for part in found]
    objective = float(sum(part.objective for part in found))
    return Result(stack.layout.join(out), objective, length, converged, history, [*methods, CLOSED_FORM.name][0], known)
