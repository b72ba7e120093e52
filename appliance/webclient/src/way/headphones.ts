// Whether somebody wears headphones, from the names of their devices: pure. Only what is certain counts as a yes (C71).

export interface Named {
  readonly kind: string;
  readonly deviceId: string;
  readonly label: string;
}

/** "perhaps": something on Bluetooth that may be a loudspeaker or a car. "unknown": nobody can tell, so the person is asked. */
export type Wears = "yes" | "perhaps" | "unknown";

const HEADPHONES = /head ?phones?|head ?sets?|ear ?(?:pods?|buds?|phones?)|air ?pods?|\bbuds|aud[ií]fonos?|auricular|cascos|manos ?libres|kopfh(?:ö|oe)rer/iu;
/** What sounds like it and is not: the phone's own ear piece, as Android's Chrome calls it, and loudspeakers. */
const OPEN = /ear ?piece|speaker|altavo(?:z|ces)|parlantes?|bocinas?/iu;
const BLUETOOTH = /bluetooth|hands-?free/iu;

/**
 * From what `enumerateDevices` lists. Where it names the output in use ("default"), only that counts; some browsers name microphones
 * alone, and a headset is known by its own.
 */
export function wears(devices: readonly Named[]): Wears {
  const named = devices.filter((one) => one.label !== "" && one.kind !== "videoinput");
  const outputs = named.filter((one) => one.kind === "audiooutput");
  const usual = outputs.filter((one) => one.deviceId === "default" && one.label.toLowerCase() !== "default");
  const looked = (usual.length > 0 ? usual : named).map((one) => one.label).filter((label) => !OPEN.test(label));
  if (looked.some((label) => HEADPHONES.test(label))) return "yes";
  return looked.some((label) => BLUETOOTH.test(label)) ? "perhaps" : "unknown";
}
