// Says news to everybody: a sentence for screen readers, and a soft sound when somebody waits.

/** Puts a sentence into the page's live region. The same sentence twice is said twice. */
export function say(sentence: string): void {
  const place = document.getElementById("news");
  if (!place || sentence === "") return;
  place.textContent = place.textContent === sentence ? `${sentence} ` : sentence;
}

/** The same for what cannot wait: read out at once. */
export function alarm(sentence: string): void {
  const place = document.getElementById("alarm") ?? document.getElementById("news");
  if (!place || sentence === "") return;
  place.textContent = place.textContent === sentence ? `${sentence} ` : sentence;
}

const TONES = [523.25, 659.25]; // Hz: C5 and E5, a friendly third
const KNELL = [440, 349.23, 440, 349.23]; // A4 and F4, twice: falls where the other rises, and is longer
const TONE_SECONDS = 0.28;
const LOUDNESS = 0.08; // of full scale: heard beside a voice, never over it

let context: AudioContext | null = null;

/** Two notes, quiet ones unless another `loudness` of 0 to 1 is given. Silent where the browser does not let a page sound yet. */
export function chime(loudness = LOUDNESS): void {
  sound(TONES, loudness);
}

/** Somebody may need help: another tune, no louder, since it may be heard by others in the therapist's own room. */
export function knell(): void {
  sound(KNELL, LOUDNESS);
}

function sound(tones: readonly number[], loudness: number): void {
  try {
    context ??= new AudioContext();
    void context.resume().catch(() => undefined);
    tones.forEach((hertz, place) => note(context!, hertz, context!.currentTime + place * TONE_SECONDS * 0.7, loudness));
  } catch {
    // No sound on this device; the sentence is there.
  }
}

function note(on: AudioContext, hertz: number, at: number, loudness: number): void {
  const tone = on.createOscillator();
  const volume = on.createGain();
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(0.0001, at);
  volume.gain.exponentialRampToValueAtTime(loudness, at + 0.03);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + TONE_SECONDS);
  tone.connect(volume).connect(on.destination);
  tone.start(at);
  tone.stop(at + TONE_SECONDS);
}
