"""`relay doctor`: checks the installation and each account, and says how to mend what is wrong.

Each `..._checks` module holds the checks of one subject: what a check reads, when that is a
problem, and what to do. `check_runner` runs them at once; `doctor` puts them together.
"""
