"""Thin adapters to other libraries, one a module, each imported on demand and each an extra of its own name.

Every adapter follows the conventions of its library: its argument order, its sums or means, its unit of a step.
"""
