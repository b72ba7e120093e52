// How loud the microphone hears: for the bar at the device test. The sound is measured and thrown away.

const SILENCE = -60; // dBFS: a quiet room
const LOUD = -10; // dBFS: somebody speaks close by

/** 0 to 100 from samples between -1 and 1: root mean square in decibels, spread over what voices use. */
export function loudness(samples: Float32Array): number {
  if (samples.length === 0) return 0;
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const decibels = 10 * Math.log10(Math.max(power, 1e-10));
  return Math.round(Math.min(100, Math.max(0, ((decibels - SILENCE) / (LOUD - SILENCE)) * 100)));
}

/** Moves `meter` with the track's sound until the returned function is called; `heard` is told each level. */
export function watchLevel(track: MediaStreamTrack, meter: HTMLMeterElement, heard: (level: number) => void = () => undefined): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  const samples = new Float32Array(analyser.fftSize);
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  let running = true;
  const step = (): void => {
    if (!running) return;
    analyser.getFloatTimeDomainData(samples);
    meter.value = loudness(samples);
    heard(meter.value);
    requestAnimationFrame(step);
  };
  step();
  return () => {
    running = false;
    void context.close();
  };
}
