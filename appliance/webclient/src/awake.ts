// Keeps the screen of a phone from going dark during the session; a dark phone stops camera and sound.

let lock: WakeLockSentinel | null = null;

async function ask(): Promise<void> {
  if (document.visibilityState !== "visible" || (lock && !lock.released)) return;
  lock = await navigator.wakeLock.request("screen");
}

/** Stays awake while the page is seen. Where a browser cannot, the phone's own setting decides. */
export function stayAwake(): void {
  if (!("wakeLock" in navigator)) return;
  const quietly = (): void => void ask().catch(() => undefined);
  document.addEventListener("visibilitychange", quietly);
  quietly();
}
