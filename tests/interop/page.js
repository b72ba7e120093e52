// One end of one transport in a browser, with frames sealed as PROTOCOL.md section 9 says. Written anew, as frames.py is.
"use strict";

function inWorker() {
  const CONTEXTS = { audio: 1, video: 2 };
  const clear = (kind, bytes) => (kind === "audio" ? 0 : bytes[0] & 1 ? 1 : 10);
  const bytesOf = (number) => {
    const bytes = [];
    for (; number > 0; number = Math.floor(number / 256)) bytes.unshift(number % 256);
    return bytes;
  };
  const field = (number) => (number < 8 ? [number, []] : [7 + bytesOf(number).length, bytesOf(number)]);
  const nonce = (salt, counter) => {
    const made = Uint8Array.from(salt);
    bytesOf(counter).reverse().forEach((byte, place) => (made[11 - place] ^= byte));
    return made;
  };
  const read = (bytes, at, four) =>
    four < 8 ? [four, at] : [bytes.slice(at, at + four - 7).reduce((sum, byte) => sum * 256 + byte, 0), at + four - 7];
  const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

  onrtctransform = async ({ transformer }) => {
    const { way, kind, leaf, keys } = transformer.options;
    const imported = new Map();
    for (const [kid, [key, salt]] of Object.entries(keys)) {
      const used = await crypto.subtle.importKey("raw", Uint8Array.from(key), "AES-GCM", false, ["encrypt", "decrypt"]);
      imported.set(Number(kid), [used, salt]);
    }
    let counter = 0;
    const work = {
      async send(frame, controller) {
        const bytes = new Uint8Array(frame.data);
        const kid = CONTEXTS[kind] * 65536 + leaf * 256 + 1;
        const [key, salt] = imported.get(kid);
        const [[k, kidBytes], [c, counterBytes]] = [field(kid), field(counter)];
        const open = bytes.slice(0, clear(kind, bytes));
        const header = join([(k << 4) | c], kidBytes, counterBytes);
        const how = { name: "AES-GCM", iv: nonce(salt, counter++), additionalData: join(header, open) };
        frame.data = join(open, header, new Uint8Array(await crypto.subtle.encrypt(how, key, bytes.slice(open.length)))).buffer;
        controller.enqueue(frame);
      },
      async receive(frame, controller) {
        const bytes = new Uint8Array(frame.data);
        const start = clear(kind, bytes);
        const [kid, afterKid] = read(bytes, start + 1, bytes[start] >> 4);
        const [number, after] = read(bytes, afterKid, bytes[start] & 15);
        const [key, salt] = imported.get(kid);
        const additionalData = join(bytes.slice(start, after), bytes.slice(0, start));
        const how = { name: "AES-GCM", iv: nonce(salt, number), additionalData };
        const opened = await crypto.subtle.decrypt(how, key, bytes.slice(after));
        frame.data = join(bytes.slice(0, start), new Uint8Array(opened)).buffer;
        postMessage(kind);
        controller.enqueue(frame);
      },
    };
    // Whatever cannot be sealed or opened goes nowhere.
    const transform = (frame, controller) => work[way](frame, controller).catch(() => {});
    await transformer.readable.pipeThrough(new TransformStream({ transform })).pipeTo(transformer.writable);
  };
}

function devices() {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [320, 240];
  const pen = canvas.getContext("2d");
  let step = 0;
  setInterval(() => {
    pen.fillStyle = `hsl(${(step += 5) % 360} 80% 50%)`;
    pen.fillRect(0, 0, 320, 240);
  }, 50);
  const sound = new AudioContext();
  const tone = sound.createOscillator();
  const out = sound.createMediaStreamDestination();
  tone.connect(out);
  tone.start();
  return { audio: out.stream.getAudioTracks()[0], video: canvas.captureStream(20).getVideoTracks()[0] };
}

const opened = { audio: 0, video: 0 };
const peer = new RTCPeerConnection();
peer.ontrack = ({ track }) => {
  const played = document.createElement("audio"); // without one nothing asks for sound, and nothing is decoded
  played.srcObject = new MediaStream([track]);
  void played.play();
};

async function offer(way, leaf, keys) {
  const worker = new Worker(URL.createObjectURL(new Blob([`(${inWorker})()`])));
  worker.onmessage = ({ data }) => (opened[data] += 1);
  const tracks = way === "send" ? devices() : {};
  for (const kind of ["audio", "video"]) {
    const transceiver = peer.addTransceiver(tracks[kind] ?? kind, { direction: `${way === "send" ? "send" : "recv"}only` });
    const end = way === "send" ? transceiver.sender : transceiver.receiver;
    end.transform = new RTCRtpScriptTransform(worker, { way, kind, leaf, keys });
  }
  await peer.setLocalDescription();
  return peer.localDescription.sdp;
}

async function answer(sdp) {
  await peer.setRemoteDescription({ type: "answer", sdp });
}

async function counts() {
  const told = { state: peer.connectionState };
  for (const entry of (await peer.getStats()).values()) {
    if (entry.type !== "inbound-rtp") continue;
    const played = Math.floor(((entry.totalSamplesReceived ?? 0) - (entry.concealedSamples ?? 0)) / 960);
    const decoded = entry.kind === "video" ? entry.framesDecoded : played;
    told[entry.kind] = { packets: entry.packetsReceived, opened: opened[entry.kind], decoded };
  }
  return { audio: { decoded: 0 }, video: { decoded: 0 }, ...told };
}
