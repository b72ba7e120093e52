"""Scripts that make a browser or the room's own script do wrong; each goes into a page before the page's own."""

from __future__ import annotations

# Keeps the Workers of the page, so that a test can end one.
KEEPS_WORKERS = """
(() => {
  const Real = window.Worker;
  window.workers = [];
  window.Worker = class extends Real { constructor(...args) { super(...args); window.workers.push(this); } };
})();
"""

# Keeps the keys that it has: whatever the page says, its Worker is never told to drop them.
KEEPS_ITS_KEYS = """
(() => {
  const real = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...more) {
    if (message.type !== "silence") real.call(this, message, ...more);
  };
})();
"""

# Looks at everything: a page that shows nobody tells the relay so and gets no picture; this one says the opposite.
LOOKS_AT_ALL = """
(() => {
  const real = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (!String(data).includes('"showDownTrack"')) return real.call(this, data);
    const said = JSON.parse(data);
    Object.assign(said.data, {width: 640, height: 360});
    return real.call(this, JSON.stringify(said));
  };
})();
"""

# Does with new keys what sessionStorage says under "keys": "lost" ones never get to the Worker, of "wrong" ones one bit
# is another, as if the two ends had not derived the same.
LOSES_KEYS = """
(() => {
  const real = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...more) {
    const fault = message.type === "keys" ? sessionStorage.getItem("keys") : null;
    if (fault === "lost") return;
    if (fault === "wrong") message.baseKey[7] ^= 1;
    real.call(this, message, ...more);
  };
})();
"""

# Does with the transform of senders what sessionStorage says under "transform": "late" ones come after three seconds,
# "never" ones never. "open" is "never" in a browser that has no rule against it: Chromium lets no frame past unless
# encodedInsertableStreams is taken away too.
LEAVES_OUT_TRANSFORMS = """
(() => {
  const fault = location.protocol === "https:" && sessionStorage.getItem("transform");
  if (!fault) return;
  const own = Object.getOwnPropertyDescriptor(RTCRtpSender.prototype, "transform");
  Object.defineProperty(RTCRtpSender.prototype, "transform", {configurable: true, get: own.get, set(value) {
    if (fault === "late") setTimeout(() => own.set.call(this, value), 3000);
  }});
  if (fault !== "open") return;
  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor({encodedInsertableStreams, ...rest}, ...more) { super(rest, ...more); }
  };
})();
"""

# The page as if the box had sent it with other attributes of its main element: those that sessionStorage has as "main".
ALTERS_MAIN = """
document.addEventListener("readystatechange", () => {
  if (location.protocol !== "https:") return;
  const altered = Object.entries(JSON.parse(sessionStorage.getItem("main") ?? "{}"));
  for (const [name, value] of altered) document.getElementById("room")?.setAttribute(name, value);
});
"""

# hangUp() takes the page off the network of the box, dial() gives it back; picture and sound know nothing of it.
# askAll({method: data}) asks over the page's own line, past the page's script: {method: the box's response}.
# `heard` has the names of the events that have come.
LINE = """
(() => {
  const Real = window.WebSocket;
  let off = false;
  window.heard = [];
  window.WebSocket = class extends Real {
    constructor(url, ...more) {
      super(off ? "wss://127.0.0.1:9/" : url, ...more);
      window.line = this;
      this.addEventListener("message", ({data}) => window.heard.push(JSON.parse(data).event));
    }
  };
  window.hangUp = () => { off = true; window.line.close(); };
  window.dial = () => { off = false; dispatchEvent(new Event("online")); };
  let number = 1_000_000;
  const ask = (method, data) => new Promise((resolve) => {
    const id = ++number;
    window.line.addEventListener("message", ({data}) => JSON.parse(data).id === id && resolve(JSON.parse(data)));
    window.line.send(JSON.stringify({type: "request", id, method, data}));
  });
  window.askAll = async (asked) => Object.fromEntries(
    await Promise.all(Object.entries(asked).map(async ([method, data]) => [method, await ask(method, data)])));
})();
"""

# From now on looks at each picture and notes whose tile ever had which colour: {name: [[r, g, b], ...]}
WATCH_COLOURS = """
() => {
  window.colours = {};
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  setInterval(() => {
    for (const tile of document.querySelectorAll("#tiles > .tile")) {
      const video = tile.querySelector("video");
      if (video.hidden || !video.videoWidth) continue;
      const [width, height] = [video.videoWidth / 4, video.videoHeight / 4];
      pen.drawImage(video, width, height, width, height, 0, 0, 1, 1);
      const [r, g, b] = pen.getImageData(0, 0, 1, 1).data;
      (window.colours[tile.querySelector(".tile-name").textContent] ??= []).push([r, g, b]);
    }
  }, 20);
}
"""

# Keeps what must stay in the page, as hex: {kind: [...]}, of each the newest. Of the page itself the base keys on their
# way to the Worker, all secrets of the group that pass through WebCrypto, the private key of the leaf; of the Worker
# what LISTENS tells.
COLLECTS = """
(() => {
  if (location.protocol !== "https:") return;
  const kept = window.kept = {};
  const hex = (bytes) => [...new Uint8Array(bytes)].map((one) => one.toString(16).padStart(2, "0")).join("");
  const keep = (kind, bytes) => { (kept[kind] ??= []).push(hex(bytes)); kept[kind].splice(0, kept[kind].length - 12); };
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...more) {
    if (message.type === "keys") keep("base key", message.baseKey);
    post.call(this, message, ...more);
  };
  const real = crypto.subtle.importKey.bind(crypto.subtle);
  crypto.subtle.importKey = (format, bytes, algorithm, ...more) => {
    const name = algorithm.name ?? algorithm;
    if (format === "raw" && ["HMAC", "AES-GCM", "HKDF"].includes(name)) keep("secret of the group", bytes);
    if (format === "pkcs8") keep("private key", bytes.slice(-32));
    return real(format, bytes, algorithm, ...more);
  };
  new BroadcastChannel("planted").onmessage = ({data: [kind, bytes]}) => keep(kind, bytes);
})();
"""

# In front of the Worker's script: tells the page what is sealed and opened there, before, after, and with which keys.
LISTENS = """
(() => {
  const told = new BroadcastChannel("planted");
  const {encrypt, decrypt, deriveKey, exportKey} = crypto.subtle;
  const call = (method, ...given) => method.apply(crypto.subtle, given);
  const tell = (kind, bytes) => bytes.byteLength >= 48 && told.postMessage([kind, new Uint8Array(bytes).slice(8, 40)]);
  crypto.subtle.encrypt = async (how, key, plain) => {
    tell("frame that was sealed", plain);
    const sealed = await call(encrypt, how, key, plain);
    tell("sealed frame", sealed);
    return sealed;
  };
  crypto.subtle.decrypt = async (how, key, sealed) => {
    const plain = await call(decrypt, how, key, sealed);
    tell("frame that was opened", plain);
    return plain;
  };
  crypto.subtle.deriveKey = async (how, base, what, _, use) => {
    const key = await call(deriveKey, how, base, what, true, use);
    told.postMessage(["derived key", new Uint8Array(await call(exportKey, "raw", key))]);
    return key;
  };
})();
"""
