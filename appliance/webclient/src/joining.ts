// When a page joins the relay: at its first chance on a line, after whatever broke, never while the media are held or the line is away.
// Tries again after growing pauses until it works or something newer happens.

import type { Room } from "./room.ts";
import { CannotSeal } from "./sealing/supported.ts";
import { pause, type Surroundings } from "./signalling.ts";

/** A join that stood this long was a good one. A sick path is so not tried without a pause. Milliseconds. */
const LASTING = 5000;

export class Joining {
  #stale = true; // the relay must be joined afresh at the next chance
  #ready: boolean | null = null; // null: the box has not said yet on this line
  #up = false;
  #turn = 0;
  #tries = 0; // joins in a row that did not last
  #lasted: () => void = () => undefined;

  constructor(
    private readonly room: () => Pick<Room, "join" | "resume"> | null,
    private readonly later: Surroundings["later"],
    private readonly random: () => number = Math.random,
  ) {}

  /** What the box said before is void: it says everything anew on a new line. */
  line(up: boolean): void {
    this.#up = up;
    this.#stale = true;
    this.#ready = null;
    this.calm();
  }

  /** Only the first on a line and the return of the relay call for a join; the box may repeat itself. */
  media(ready: boolean): void {
    const back = ready && (this.#stale || this.#ready !== true);
    this.#ready = ready;
    if (!ready) this.#turn++;
    if (!back || !this.room()) return;
    this.#tries = 0;
    const relayStayed = this.#stale;
    this.#stale = false;
    void this.#join(relayStayed);
  }

  /** The path broke, or another sealer stands in. */
  again(): void {
    if (this.#up && this.#ready === true) void this.#join();
  }

  /** What is on its way is given up; the next join is a first one. */
  calm(): void {
    this.#turn++;
    this.#tries = 0;
  }

  /** `resume`: only the line was away, picture and sound may have gone on. */
  async #join(resume = false): Promise<void> {
    const turn = ++this.#turn;
    this.#lasted();
    for (let first = true; turn === this.#turn; first = false) {
      if (this.#tries > 0) await new Promise<void>((resolve) => this.later(resolve, pause(this.#tries - 1, this.random)));
      const room = this.room();
      if (turn !== this.#turn || !room) return;
      this.#tries++;
      try {
        await (resume && first ? room.resume() : room.join());
        this.#lasted = this.later(() => (this.#tries = 0), LASTING);
        return;
      } catch (problem) {
        if (problem instanceof CannotSeal) return; // it comes back with another sealer, and the page says so
      }
    }
  }
}
