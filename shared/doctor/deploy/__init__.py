"""`relay doctor --deploy`: what running in public needs, beyond what every installation needs.

`deployment` puts the checks together, in an order in which somebody can work through them. The
other modules have the checks of one subject each. `visit` is how web recognizes the doctor.
"""
