"""A generated town whose staff look at citizens, most of them as they should: what the watching job is measured on.

The ordinary traffic and the planted snoopers were written from descriptions of work and of published cases, after the thresholds
of ``trust/policy/watch.json`` had been written down; which seeds and kinds were looked at since is told in
``docs/explanation/watchfulness.md``.
"""
