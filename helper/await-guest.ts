/** `proxy --wait`: a guest that is ready, or will be in time. */

import type { Request } from "./endpoint.ts";
import { Progress } from "./progress.ts";
import type { System } from "./sys/system.ts";
import { type Ready, waitForGuest } from "./wait.ts";

/** @throws HelperError, ClientGoneError */
export function awaitGuest(request: Request, sys: System): Ready {
  using progress = new Progress(sys);
  return waitForGuest({ request, start: false, onLack: (lack) => progress.show(lack) }, sys);
}
