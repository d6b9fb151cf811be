"""The doctor: looks at the installation and at each account, and says what to do where need be.

What a value means is decided in the modules named `..._checks`, which are pure; `installation.py`
and `accounts.py` look; `doctor.py` has all looks done at once, none of which stops another.
"""
