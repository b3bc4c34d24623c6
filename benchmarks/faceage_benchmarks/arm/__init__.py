"""The device side without a device: real ARM wheels on an emulated processor, counted exactly.

Counts are instructions, not time: no caches, no pipelines, no clock. They repeat to the
instruction, so they compare forms of a graph and hold a budget.
"""
