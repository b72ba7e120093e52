"""Every constant of bandwidth, layers and speakers: its unit, why it has this value, and what a change costs."""

from __future__ import annotations

# --- layers ------------------------------------------------------------------------------------------------------

# Bits per second of one voice: Opus at 32 kbit/s with in-band FEC, and 50 headers of 12 bytes. Less lets pictures push
# voices out of a narrow line; more costs a thumbnail on a line of 300 kbit/s.
VOICE_BPS = 40_000
# Pixels and bits per second of Chromium's three layers of 1280x720 (scaleResolutionDownBy 4, 2, 1). The rates stand in
# for a layer that nobody has measured yet.
LAYER_PIXELS = (320 * 180, 640 * 360, 1280 * 720)
LAYER_BPS = (150_000, 500_000, 1_200_000)
# A tile of this many times a layer's pixels still takes that layer: at arm's length nobody sees the difference, and the
# next layer costs three times as much. 1.5 is 1.22 in each direction.
ENLARGED = 1.5
# Seconds a budget has to hold before something more is sent. Less, and a burst of loss costs a key frame each time;
# more, and a picture that a bad moment took away is missed for longer.
UP_PATIENCE = 1.0
# Seconds it grows to when rises do not last, by doubling: a line that carries a layer for four seconds only would
# otherwise change it ten times a minute. A rise that has lasted UP_REGRET seconds brings the patience back.
MAX_UP_PATIENCE = 16.0
UP_REGRET = 10.0
# Share of the budget that may be filled by rising. The rest is for rates that waver and for repairs.
UP_SHARE = 0.9
# Budgets remembered of one receiver: one each 50 ms for MAX_UP_PATIENCE, with room.
MAX_BUDGETS = 512

# --- transport-wide feedback ---------------------------------------------------------------------------------------

# Seconds between two feedback packets to one sender. Chromium's own pace is 50 to 250 ms; less often and a sender
# learns of a full line after its queue is half a second long.
FEEDBACK_INTERVAL = 0.1
# Packets that one feedback may speak of: eight seconds of a full room's pictures. A run of 8,191 takes two bytes, so
# without a bound a datagram could cost a list of 65,535.
MAX_FEEDBACK_PACKETS = 4096
# Packets that came, in one feedback of ours: with 2 bytes of chunk before, 2 after and 2 of delta each it stays under
# 1,200 bytes whatever is missing in between. 100 ms of a sender have about 30.
MAX_FEEDBACK_ARRIVALS = 190
# Packets below the highest number for which a late arrival is still told: a second of one sender.
LATE_PACKETS = 512

# --- who is heard --------------------------------------------------------------------------------------------------

# Voices that are forwarded at a time, besides those who are always heard. More than three at once nobody understands;
# each costs VOICE_BPS and 50 packets a second for every receiver.
MAX_VOICES = 3
# Seconds between two looks at the levels: two frames of sound. Who begins to speak is forwarded by the next look.
HEAR_INTERVAL = 0.04
# Seconds that one look may stand for at most: after a pause of the process nobody has spoken for all of it.
MAX_HEAR_INTERVAL = 0.25
# Seconds of sound in a packet: what browsers send unless told otherwise. Talk time is counted in it.
FRAME = 0.02
# Seconds of speech that may come late and still count as talk time, at most: a burst after a gap on the way.
MAX_LATE_SPEECH = 0.5
# 127 - level from which on sound is speech: -50 dBov. Speech at a laptop is at -20 to -40, a quiet room below -60.
SPEECH_LOUDNESS = 77
# Seconds of a pause between words. Shorter cuts a sentence into many, longer counts coughs together.
SPEECH_PAUSE = 0.3
# Seconds after which a change of loudness shows by half. Longer is steadier and finds the new speaker later.
ACTIVITY_TIME = 0.4
# Steps of loudness (decibel) by which somebody has to be louder to displace another who speaks.
CLEARLY_LOUDER = 6.0
# Seconds of silence after which one of the places goes to somebody who speaks.
PLACE_SILENCE = 0.5
# Seconds of speech before somebody displaces one who speaks: a cough or a door takes no place from a sentence.
PUSH_SPEECH = 0.2
# Seconds of speech before somebody is the active speaker: longer than a cough, a laugh or a "yes".
ACTIVE_SPEECH = 0.6
