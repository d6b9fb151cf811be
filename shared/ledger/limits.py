"""Every fixed limit of the ledger's steps, with its reason. The scripts declare which they use.

What an operator can set is no limit, but an argument of the step.
"""

from datetime import timedelta

# --- accepting

# A network has so many visitors' sign-ups: of an IPv4 /24 or an IPv6 /56.
VISITORS_OF_A_NETWORK = 10
# Beyond this share of the limit, of the visitor's own or of the network's, a network is busy. Fewer
# than six are a family.
BUSY_SHARE = 0.3
BUSY_AT_LEAST = 5
# Double clicks and senders that try again are far below this: so many repeats of own sign-ups a
# visitor may send, for each sign-up that RELAY_VISITOR_LIMIT allows, and at least so many in all.
REPEATS_FOR_EACH_SIGNUP = 4
LEAST_REPEATS = 120
# The same content within this time is one sign-up that was sent twice.
DUPLICATE_WINDOW = timedelta(minutes=10)
# Longer than any sender keeps trying with one Idempotency-Key.
IDEMPOTENCY_KEY_LIFE = timedelta(days=1)
# A solved captcha counts once, and no longer than this: a page may send what was typed when the
# relay has been away for hours.
SOLUTION_LIFE = timedelta(days=1)
# So many Idempotency-Keys may come with repeats of a visitor's own sign-up, which the visitor
# limit does not count. A sender that tries again has the same key, or a few.
MOST_REPEAT_KEYS = 20
# To note a repeat writes the record anew, which may have 8 KiB.
REPEAT_NOTED_EVERY = timedelta(minutes=1)
# A repeat is looked for among the person's latest sign-ups; more than these take too long.
MOST_COMPARED = 100
# A person's quarantined sign-ups have scores below this (negative) one, the settled ones above it.
# More than the microseconds until 2090. Twice as much is still exact in a double.
NEVER_SENT = 3_800_000_000_000_000
# While sign-ups keep coming, the workers are notified this often at most.
NOTIFY_INTERVAL = timedelta(seconds=1)

# A web host's disk that is away for longer may bring an erased person back.
ERASED_KEPT = timedelta(days=365)

# Refused sign-ins of strangers must not fill the audit trail. The log has them all.
MOST_REFUSALS_AUDITED = 200

# --- claiming and settling

# An account has lost its turn when it is this much later than it promised.
TURN_PATIENCE = timedelta(milliseconds=50)
# Every such claim of an account prefers a retry, or one of a job, to a fresh sign-up.
RETRY_FIRST_EVERY = 4
JOB_FIRST_EVERY = 50
# Losing so many claims makes a sign-up `poison`. The last of them had its worker's process to
# itself, so nothing else can have been the reason.
MOST_LOST = 3
# Attempts and other events of a sign-up.
HISTORY_KEPT = 100
# Reading an account's groups takes a millisecond then. A cause that nobody has mended has one for
# each form; more than these come from an API that words every refusal anew.
MOST_GROUPS = 200
# Of so many members of a group it is looked up whether they wait in a job, which takes some
# milliseconds. What a job of one group has is counted without that.
MOST_LOOKED_UP = 5_000
# What was counted in each minute of an account, until it is in the slots of the console's charts.
CHARTS_KEPT = timedelta(days=2)

# --- holds

# Pages tell so long what came of a release: a probe and what follows take seconds to minutes.
RELEASE_KEPT = timedelta(hours=1)
# One or two sign-ups may be what the API cannot process; three different ones are an outage.
FAILURES_IN_A_ROW = 3
# The second probe is twice as late as the first, and so on up to the longest.
FIRST_OUTAGE_PROBE = timedelta(seconds=15)
LONGEST_OUTAGE_PROBE = timedelta(minutes=10)
# A spent quota ends at 00:00 UTC, but the API may count in another way.
QUOTA_PROBE = timedelta(hours=1)
# So near midnight the API's clock may be on the other side of it.
NEAR_MIDNIGHT = timedelta(minutes=15)
NEAR_MIDNIGHT_PROBE = timedelta(minutes=5)

# --- the pace of an API key

# How much further apart slots lie than the rate allows: 25 ms in every second. Requests may start
# late (SLOT_LIFE in worker/delivery/timing.py), and the network delays some more than others.
SPACING_MARGIN = 1.025
# After a 429 the API counts more than we do, so the key goes slower for a while.
SPACING_AFTER_429 = 1.25
# No slot is granted further ahead, and no key rests for longer. A stored time beyond that was
# written before Redis' clock went back.
LONGEST_GRANT = timedelta(seconds=10)
LONGEST_REST = timedelta(hours=1)
# A day's count is needed until the day is over everywhere.
QUOTA_KEPT = timedelta(days=3)

# --- the token endpoint

# One call a second is allowed; the rest is for requests that take different times to arrive.
TOKEN_SPACING = timedelta(milliseconds=1100)
# Ten accounts' turns. A caller that would have to wait longer comes again later.
LONGEST_TOKEN_WAIT = timedelta(seconds=10)
# The pause after a failed call doubles with each further one.
FIRST_TOKEN_PAUSE = timedelta(seconds=1)
LONGEST_TOKEN_PAUSE = timedelta(minutes=5)
# At six refreshes a day, more than the 180 days after which any refresh token has expired.
MOST_SPENT = 2000

# --- jobs

JOB_KEPT = timedelta(days=30)  # after its end
# Of its index, or of the sign-ups that it was given, a job changes so many at a time. Undoing a
# discard takes some 50 µs of the server's time, and everything else less.
MOST_STEPPED = 25
# Looking at a dead letter that is passed over costs no request, but the server's time.
MOST_FED = 500
# A longer pause, or one longer than four sign-ups take, is not made up for.
ALLOWANCE_LIFE = timedelta(seconds=10)

# --- how long records are kept

# Redis does nothing else meanwhile. A record takes 20 µs of its CPU, so one step takes half a
# millisecond. Large records count by their bytes.
MOST_CLEARED = 25
MOST_CLEARED_BYTES = 256 * 1024

# --- what is usual for an account

# Six times the longest usual time covers a weekend or a holiday of a form that is used daily.
UNUSUAL_TIMES = 6
UNUSUAL_AT_LEAST = timedelta(hours=24)
# Counted back from the last sign-up.
REMEMBERED_DAYS = 14
# With sign-ups on fewer days there is no usual time.
NEEDED_DAYS = 5
# After a longer time without a look, nobody knows when sign-ups came.
LONGEST_BETWEEN_LOOKS = timedelta(hours=1)
# Of accounts without news. To note every look would be most of what Redis writes.
LOOK_NOTED_EVERY = timedelta(minutes=5)

# --- refusals, and fields that are not sent

# A web process that has no answer tries the same flush again. Longer than any Redis is away.
FLUSH_REMEMBERED = timedelta(days=1)
# Of each form, and so are the next.
MOST_KEPT_REFUSALS = 20
MOST_UNSENT_FIELDS = 50
# The last hour is that of the last six slots, so that it does not begin anew at every full hour.
REFUSAL_SLOT = timedelta(minutes=10)
SLOTS_OF_AN_HOUR = 6
# Of the busiest hours of a form: a campaign of every month is among them.
ARRIVAL_DAYS = 35

# --- how much memory Redis uses

# Of the last six hours and of the last two weeks: campaigns are fast, and quiet sites slow.
MEMORY_SLOT = timedelta(minutes=5)
MEMORY_SLOTS = 72
LONG_MEMORY_SLOT = timedelta(hours=1)
LONG_MEMORY_SLOTS = 336

# --- the console's charts

# An hour of minutes and some more, so that a late round leaves none out; two days of quarter hours,
# and 90 days, each with the current one.
CHARTED_MINUTES = 120
CHARTED_QUARTERS = 193
CHARTED_DAYS = 91

# --- processes

PROCESS_FORGOTTEN_AFTER = timedelta(hours=1)
