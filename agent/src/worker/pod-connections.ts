import { SlotSet } from '@tulle/core';

/** Something of a pod that ends by itself, or is ended with it. */
export interface PodConnection {
  /** Waits for nothing new: a connection that idles between two requests closes, one that works goes on. */
  drain(): void;
  destroy(): void;
  /** Its place among the pod's connections; theirs alone. */
  podSlot?: number;
}

/** The connections of a pod. */
export class PodConnections extends SlotSet<PodConnection> {
  protected override placeOf(member: PodConnection): number | undefined {
    return member.podSlot;
  }

  protected override place(member: PodConnection, at: number): void {
    member.podSlot = at;
  }
}
