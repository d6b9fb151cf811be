"""How much is tried: `FUZZ_EXAMPLES` of each property, 100 unless it is set.

Every failure that was ever found is an `@example` of its test: they are the corpus, and are tried
first each time. hypothesis' own database stays on the machine that made it.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))
# The time of one example depends on what else the machine does.
_COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
fuzzed = settings(max_examples=EXAMPLES, **_COMMON)  # type: ignore[arg-type]
# With a server behind it.
fuzzed_slowly = settings(max_examples=max(1, EXAMPLES // 2), **_COMMON)  # type: ignore[arg-type]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
