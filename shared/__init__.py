"""What web, worker and the command line have in common. Imports none of them.

Inside, dependencies point down: doctor, operations, accounts, constant_contact, ledger,
infrastructure, domain. Each package imports only packages further down this list.
"""
