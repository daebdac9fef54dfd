"""Measuring vpcflow side by side with other readers of the same text: `vpcflow bench`.

generate, network: realistic logs from a seed. inputs: logs to measure on. peers, answers: the
readers and how each is used. digest: that they read the same. tasks, worker, measure: taking turns
in a process of its own. figures, results, promises, report: what comes out. Nothing here is
imported by the rest of the package, and no peer has to be installed.
"""
