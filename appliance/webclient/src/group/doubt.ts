/** Something about the keys does not hold. Whoever meets it gives up all keys: the message is for tests and names no person. */
export class Doubt extends Error {}

export function sure<T>(value: T, what: string): NonNullable<T> {
  if (value === null || value === undefined || value === false) throw new Doubt(what);
  return value as NonNullable<T>;
}

/** Work on what somebody else made, without asking anybody: whatever goes wrong in it is a doubt. */
export async function trusted<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Doubt ? error : new Doubt(what);
  }
}
