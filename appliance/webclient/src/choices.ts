// What somebody chose at the device test, kept for the room in this tab only and gone with it.

const KEY = "devices";

export interface Choices {
  camera: boolean;
  cameraId?: string;
  microphoneId?: string;
}

export function loadChoices(storage: Storage): Choices {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? "{}") as Partial<Choices>;
    const choices: Choices = { camera: kept.camera !== false };
    if (typeof kept.cameraId === "string") choices.cameraId = kept.cameraId;
    if (typeof kept.microphoneId === "string") choices.microphoneId = kept.microphoneId;
    return choices;
  } catch {
    return { camera: true }; // storage switched off or garbage in it: the usual way
  }
}

export function keepChoices(storage: Storage, choices: Choices): void {
  try {
    storage.setItem(KEY, JSON.stringify(choices));
  } catch {
    // Storage is switched off: the room then starts the usual way.
  }
}
