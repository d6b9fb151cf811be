"""What happens to every call, whichever service answers it: limits, faults on demand, figures."""
