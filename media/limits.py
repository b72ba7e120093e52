"""Every constant of the relay: its unit, why it has this value, and what a change costs.

Whatever a peer can make grow is bounded here. Nothing in `media/` holds a number of this sort of its own.
"""

from __future__ import annotations

# --- people and tracks -------------------------------------------------------------------------------------------

# Rooms at a time. A clinic's box has a handful of sessions; each empty room costs under 1 KiB.
MAX_ROOMS = 64
# Members with a permission in one room. Group therapy stays under 16; down tracks grow with the square of this.
MAX_MEMBERS_PER_ROOM = 32
# Transports of one member: one to send, one to receive, and one of each during a reload. About 120 KiB each.
MAX_TRANSPORTS_PER_MEMBER = 4
# Up tracks of one kind of one member: a camera or microphone, and the next one while devices are switched.
MAX_UP_TRACKS_PER_KIND = 2
# Simulcast layers of one up track. Browsers send three at most, each half as wide as the next.
MAX_LAYERS = 3
# Down tracks of one member: everything a full room can send, once.
MAX_DOWN_TRACKS_PER_MEMBER = MAX_MEMBERS_PER_ROOM * 4
# Characters of an opaque id (room, member, transport, track), all from [A-Za-z0-9_-].
MAX_ID_LENGTH = 64
# Requests of one member a second, and at once: joining a full room takes two for each of its 62 tracks. The dearest
# thing that can be asked for is a handshake, about 2 ms.
REQUESTS_PER_SECOND = 20.0
REQUEST_BURST = 300.0
# Codecs read from one rtpParameters or rtpCapabilities. Chromium lists about 40 with all its H.264 profiles.
MAX_CODECS = 128
# Feedback kinds read from one codec. Browsers list six.
MAX_FEEDBACK = 32
# Header extensions read from one rtpParameters. Browsers list up to 20; one-byte ids end at 14.
MAX_HEADER_EXTENSIONS = 32
# DTLS fingerprints read from one dtlsParameters: one per hash function, browsers send one.
MAX_FINGERPRINTS = 8

# --- relay.sock --------------------------------------------------------------------------------------------------

# Bytes of one line. The longest is the whole truth: 64 rooms of 32 members with ids of 64 characters are 340 KiB.
MAX_LINE = 512 * 1024
# Bytes of a line that carries a browser's request. A receiveTrack with Chromium's full capabilities has about 12 KiB.
MAX_REQUEST = 64 * 1024
# Seconds a connection has to greet. The appliance reads the truth from its store in between.
GREETING_TIMEOUT = 10.0
# Bytes queued towards an appliance that does not read. Beyond it the socket is closed; the media goes on.
MAX_SOCKET_BACKLOG = 4 * 1024 * 1024
# Version of the language on relay.sock; a peer with another one is refused.
SOCKET_VERSION = 1
# Seconds after which the client gives a request up as `away`. The relay answers within a millisecond.
REQUEST_TIMEOUT = 10.0
# Seconds of the longest pause between two tries to reach relay.sock. A try costs nothing; each pause is time without
# picture and sound after a restart.
MAX_RECONNECT_PAUSE = 0.2

# --- datagrams ---------------------------------------------------------------------------------------------------

# Bytes read of one datagram. pylibsrtp's own buffer is 1,500; WebRTC stays under 1,200 of payload.
MAX_DATAGRAM = 1500
# Bytes of the largest RTP packet that is forwarded: room for 16 bytes of AEAD tag and the trailer libsrtp asks for.
MAX_RTP = 1356
# Datagrams read in one wake-up, before the event loop may look at anything else (about 2 ms of work).
MAX_DATAGRAMS_PER_WAKE_UP = 64
# Bytes asked of the kernel for the socket's buffers: 0.3 s of a full room. The kernel may grant less (rmem_max).
SOCKET_BUFFER = 4 * 1024 * 1024
# DTLS datagrams that wait for `connectTransport` or for OpenSSL. A handshake has under ten in flight.
MAX_DTLS_QUEUE = 16
# Validated source addresses kept of one transport: Wi-Fi, wire, VPN and their ports before and after a change.
MAX_ADDRESSES_PER_TRANSPORT = 8

# --- ICE ---------------------------------------------------------------------------------------------------------

# Seconds without an authenticated STUN check after which consent has ended (RFC 7675 section 5.1).
CONSENT_TIMEOUT = 30.0
# Seconds between two sweeps for ended consent.
CONSENT_SWEEP = 1.0
# Seconds after which a silent address gives way to another valid one that was not nominated.
ADDRESS_SILENT = 5.0
# Characters of our ICE credentials: 96 and 192 bits. RFC 8445 section 5.3 asks for at least 24 and 128.
UFRAG_LENGTH = 16
PASSWORD_LENGTH = 32
# Bytes of the longest STUN request that is answered. A browser's check has about 120.
MAX_STUN = 512

# --- repair ------------------------------------------------------------------------------------------------------

# Packets and payload bytes kept of one video up track: about 1.5 s at 1.2 Mbit/s. 36 cameras cost 9 MiB at most.
VIDEO_CACHE_PACKETS = 256
VIDEO_CACHE_BYTES = 256 * 1024
# The same of one audio up track: 1.3 s of 20 ms frames. Later than that Opus has concealed the loss.
AUDIO_CACHE_PACKETS = 64
AUDIO_CACHE_BYTES = 16 * 1024
# Sequence numbers read from one RTCP datagram's NACKs; the rest of a longer list is ignored.
MAX_NACKED_PER_DATAGRAM = 128
# Resends for one down track: a second, and in one burst. Bounds what a receiver can make us send.
RESENDS_PER_SECOND = 300.0
RESEND_BURST = 150.0
# Sequence numbers of one up track that are remembered as asked for, seconds between two asks, and asks for one.
MAX_ASKED = 256
ASK_AGAIN = 0.06
MAX_ASKS = 5
# Segments of a down track's past that still answer NACKs: holds, switches of layer, padding amid the packets. A sender
# that pads each frame begins one a frame: 32 are a second.
MAX_SEGMENTS = 32

# --- sealed frames -----------------------------------------------------------------------------------------------

# Frames of a picture whose judgement is remembered for their later packets: one second at 30 frames a second, longer
# than the five asks for a lost packet take.
MAX_JUDGED_FRAMES = 32
# Sealed frames in a row after which a track that sent one that was not is heard again: 0.16 s of sound. Fewer would let
# plaintext through that looks sealed by chance, more would lengthen the silence of a browser that has recovered.
SEALED_AGAIN = 8

# --- key frames --------------------------------------------------------------------------------------------------

# Seconds between two key-frame requests to one sender: a key frame is 10 to 30 times a delta frame.
KEY_FRAME_THROTTLE = 0.5
# The same where somebody sees nothing until it comes: a layer that their line no longer carries was taken away. Less
# than a round trip and an encoder's frame would only ask twice for one key frame.
KEY_FRAME_URGENT = 0.15
# Seconds until an unanswered request is repeated: a round trip and an encoder's frame, with room.
KEY_FRAME_REPEAT = 1.0
# Unanswered requests in a row before the relay waits for the next reason to ask.
MAX_KEY_FRAME_ASKS = 20

# --- who gets what -----------------------------------------------------------------------------------------------

# Pictures that one receiver gets at most where the clinic has set nothing: a page of three by three faces.
LAST_N = 9
# Pixels of a tile that a page has said nothing of: a middle layer.
TILE_WIDTH, TILE_HEIGHT = 640, 360
# Seconds between two looks at everybody's wishes, and at lines that have changed by MUCH (a share of what they were).
# The first takes about 0.2 ms for each receiver of a full room.
SETTLE_INTERVAL = 0.5
REVIEW_INTERVAL = 0.1
MUCH = 0.05
MEASURE_INTERVAL = 1.0
# Seconds without a packet after which a layer is not offered: browsers stop one for good or for a breath.
LAYER_SILENT = 2.5
# Bytes of a packet besides its payload: RTP header, SRTP tag, UDP and IP.
PACKET_OVERHEAD = 56
# Seconds that a sender goes on with a layer nobody looks at: people turn pages back and forth, and to start an encoder
# takes a key frame.
FEWER_PATIENCE = 3.0
# Seconds between two looks at who speaks, and between two accounts of who spoke how long.
PULSE = 0.05
TALK_TIME_INTERVAL = 5.0
# Seconds between two messages of which only the order of those who speak is news: pages mark them all alike.
ORDER_INTERVAL = 1.0

# --- RTCP --------------------------------------------------------------------------------------------------------

# Seconds between two receiver reports of one transport. RFC 3550 section 6.2 would allow 0.36 s at 1 Mbit/s.
REPORT_INTERVAL = 1.0
# Sender reports of one down track that are remembered to measure the round trip; one leaves a second or so.
MAX_CLOCKS = 8
# Packets between two reports beyond which a receiver's numbers are not believed.
MAX_REPORTED = 1 << 16
# SSRCs from which RTCP of one transport is opened before new ones have to come slowly (FOREIGN_AGAIN): libsrtp keeps
# some memory for each. Firefox speaks with another for each track that it receives.
MAX_RTCP_SSRCS = 256
# Packets read from one compound RTCP datagram. Browsers send up to six.
MAX_RTCP_PACKETS = 32
# Bytes of one datagram of ours: no path cuts it. What is for one receiver shares it.
MAX_RTCP = 1200
# Report blocks in one packet (5 bits, RFC 3550 section 6.4.1).
MAX_REPORT_BLOCKS = 31

# --- forwarding plane ----------------------------------------------------------------------------------------------

# Newest numbers of a stream among which a packet is known again; older ones are dropped. A power of two, and the
# replay window of libsrtp: 8 KiB, about 2 s of a picture's best layer.
SEEN_WINDOW = 1024
# Nanoseconds a gap may last before it is asked for: most packets that overtake each other do so within a frame.
LACK_PATIENCE = 8_000_000
# Nanoseconds between two asks for one packet, and after which nobody asks any more: a receiver has given up by then.
LACK_AGAIN = 60_000_000
LACK_AGE = 1_000_000_000
# Seconds between two looks at what is missing, while anything is.
LACK_LOOK = 0.02
# Events that wait for the room to look.
MAX_PLANE_EVENTS = 1024

# --- native wire (media/native) --------------------------------------------------------------------------------------

# Datagrams other than RTP that wait for Python, 1.5 KiB each; strangers may take half. A room of 32 that comes back at
# once sends about 400 in the time of one handshake.
MAX_WAITING_DATAGRAMS = 512
# SSRCs of one transport that are opened although nobody announced them: libsrtp keeps 0.4 KiB for each, and looks
# through all of them for each packet. Simulcast without SSRCs in its parameters shows up with six.
MAX_FOREIGN_SSRCS = 32
# Nanoseconds after the newest of them, once there are so many, until one more is opened: what still comes of tracks
# that have ended is some, over hours.
FOREIGN_AGAIN = 1_000_000_000
# Nanoseconds that the forwarding thread lets packets gather after each batch: a wake-up costs as much as ten packets,
# and packets for one receiver leave in one call. One waits for half of it on average, and for all of it at the most:
# with 5 ms the share of packets that take longer than that would no longer be small.
GATHERING_PAUSE = 3_000_000
# Nanoseconds that a packet may have lain in the socket by the kernel's stamp; beyond it the day's clock was set.
MAX_WAITED = 1_000_000_000
# Nanoseconds that RTCP waits for more of it before Python is woken: twelve receivers say something 250 times a second.
# A lost packet is sent again that much later, which a jitter buffer does not notice.
RTCP_GATHERING = 10_000_000
# The same of reports and transport-wide feedback, which ask for nothing. Longer than a pulse: each pulse reads what
# waits, so that these most often wake nobody. The estimate of a path learns of a full line that much later.
REPORT_GATHERING = 60_000_000
