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
# The same for a picture where there was none: a black tile is worse than a coarse one.
PICTURE_PATIENCE = 0.4
# Seconds UP_PATIENCE grows to when rises do not last, by doubling: a line that carries a layer for four seconds only
# would otherwise change it ten times a minute. A rise that has lasted UP_REGRET seconds brings the patience back.
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
# Seconds without feedback from a receiver after which what was sent is looked at all the same: three of Chromium's
# slowest intervals.
FED_WELL = 0.75
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
# Seconds of silence after which somebody is no longer named as speaking: each change is a message to everybody.
RANK_SILENCE = 0.8
# Seconds of silence after which one of the places goes to somebody who speaks.
PLACE_SILENCE = 0.5
# Seconds after which the loudness of a sound that is no speech shows by half: a far microphone, a low voice. They get a
# place in which nobody speaks. Slow, so that fans and streets do not take turns.
AMBIENT_TIME = 2.0
# Seconds of speech before somebody is the active speaker: longer than a cough, a laugh or a "yes".
ACTIVE_SPEECH = 0.6

# --- what a path carries -------------------------------------------------------------------------------------------

# Bits per second before anything is known: three voices and a thumbnail, with the first probe within a moment.
START_BPS = 300_000.0
# The least that is ever aimed at: below it there is no sound either, so less would help nobody.
FLOOR_BPS = 100_000.0
# The most: all that a full room can send to one receiver in layers that fit its screen.
CEILING_BPS = 30_000_000.0
# Seconds of a round trip before one was measured.
FIRST_RTT = 0.1
# Seconds without feedback, though something is sent, after which the estimate is lowered to AGED of itself, and so on.
# Browsers send it each 50 to 250 ms.
SILENCE = 0.75
AGED = 0.7
# Share of what pictures may take that repairs may take besides, kept up for REPAIR_BURST seconds; 20 % lost need 25 %.
# Browsers ask ten times for each packet, 100 ms apart: unbounded, that fills a line which has just become narrow.
REPAIR_SHARE = 0.3
REPAIR_BURST = 1.0
# Octets of a repair, at most.
REPAIR_OCTETS = 1200
# Seconds that a REMB counts. Browsers repeat it each second.
REMB_AGE = 5.0

# Packets that are remembered until feedback tells of them: four seconds of a full room's pictures, 32 KiB for each
# receiver. A power of two, for numbers turn over at 65,536.
SENT_KEPT = 2048

# --- delay -----------------------------------------------------------------------------------------------------------

# Milliseconds within which packets that left are one group (gcc-02 section 5.2).
BURST = 5.0
# Groups in a trend line, at most and at least. At 100 to 200 groups a second the line is 0.1 to 0.25 s long: shorter
# finds a full line sooner and takes jitter for it more often.
TREND_GROUPS = 25
MIN_TREND_GROUPS = 6
# Share of a new sum of variations in the smoothed one.
TREND_SMOOTHING = 0.1
# From slope (milliseconds of queue for each that passes) to the threshold's milliseconds.
TREND_GAIN = 240.0
# Milliseconds: the threshold at first, its bounds, how far above it a trend is a spike, and the longest time that one
# adaption stands for (gcc-02 section 5.4: 12.5, 6, 600, 15).
FIRST_THRESHOLD = 12.5
MIN_THRESHOLD = 6.0
MAX_THRESHOLD = 600.0
SPIKE = 15.0
MAX_ADAPTION = 100.0
# Share of the distance that the threshold moves in a millisecond, upwards and downwards.
THRESHOLD_UP = 0.0087
THRESHOLD_DOWN = 0.00039
# Milliseconds above the threshold after which it is no chance, and how many times the threshold is none at once.
OVERUSE_TIME = 10.0
SURELY_OVER = 3.0

# Milliseconds without a packet after which a queue that was before says nothing any more.
LONG_PAUSE = 1000.0
# Milliseconds of standing queue that are too much: a fifth of a second of delay is heard in a conversation, and half of
# it has to be left for the way. And milliseconds of a slot in which the least delay is kept, and slots: 20 s.
STANDING = 100.0
DELAY_SLOT = 500.0
DELAY_SLOTS = 40

# --- rate ------------------------------------------------------------------------------------------------------------

# Milliseconds over which what arrives is measured, and the least that says anything.
ARRIVED_WINDOW = 500.0
MIN_ARRIVED = 100.0
# Seconds over which it is measured what was sent, to tell a queue that drains from one that grows.
SENT_WINDOW = 0.3
# Feedbacks kept for it: one each 25 ms.
MAX_ARRIVED = 64
# Falling to this share of what arrives (gcc-02 section 5.5: 0.85): the rest drains the queue.
FALL = 0.85
# Rising by this share in a second, and by at most half of a packet (in bits) each round trip and RESPONSE near the rate
# at which the queue grew last.
RISE = 0.08
HALF_A_PACKET = 4800.0
RESPONSE = 0.1
# How far above what arrives the estimate may rise by itself: times, and bits per second besides.
HEADROOM = 1.25
HEADROOM_BPS = 10_000.0
# Deviations around the rate at which the queue grew within which growth is slow, and the first deviation's share.
DEVIATIONS = 3.0
FIRST_DEVIATION = 0.05

# --- loss ------------------------------------------------------------------------------------------------------------

# Seconds over which loss is counted, and the fewest packets that say anything about it.
LOSS_INTERVAL = 0.3
MIN_LOSS_PACKETS = 20
# Shares of loss above which less is sent and below which more (gcc-02 section 6).
MUCH_LOSS = 0.10
LITTLE_LOSS = 0.02
# Share of loss above which not even one picture is sent, and what that one takes: a thumbnail with its repair, so that
# UP_SHARE of it lets one in.
HOPELESS_LOSS = 0.35
LAST_PICTURE_BPS = 190_000.0
# Rising by this share in a second of little loss: the draft's 5 % for each of five reports in a second.
LOSS_RISE = 0.25

# --- probes ----------------------------------------------------------------------------------------------------------

# Seconds that a probe lasts. Shorter measures the air time of one Wi-Fi burst, longer is heard if the line is full.
PROBE_TIME = 0.4
# Seconds between two calls while one runs: what a call sends leaves at once.
PROBE_STEP = 0.02
# Seconds after its end in which feedback has to have come.
PROBE_WAIT = 0.6
# Times the estimate that is tried, and what is tried after a probe that failed.
FIRST_PROBE = 2.0
LATER_PROBE = 1.4
# Bits per second that a probe tries more at least: a thumbnail, and packets enough to tell loss by.
MIN_PROBE_BPS = 160_000.0
# Times that a probe which reached its goal makes the next one larger, up to FIRST_PROBE.
PROBE_BOLDER = 1.2
# Times what is wanted that is tried at most: room for a layer to be given.
PROBE_BEYOND = 1.2
# Share of the goal that has to arrive for the next probe to follow at once, and share of what arrived that is believed.
PROBE_REACHED = 0.85
PROBE_TAKEN = 0.95
# Seconds after a probe that failed, doubled each time.
PROBE_PAUSE = 1.0
MAX_PROBE_PAUSE = 4.0
# Octets of one probe packet: header with one extension and 255 of padding (media/plane/interface.py).
PROBE_OCTETS = 275
# Probe packets of one call: 20 ms at 7 Mbit/s.
MAX_PROBE_PACKETS = 64
