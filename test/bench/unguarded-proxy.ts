// The hot path without what it does between the connect and the hand-over, to measure what that costs.
import { connectGuest } from "../../helper/connect.ts";
import type { Request } from "../../helper/endpoint.ts";
import { findEndpoint } from "../../helper/libvirt/find-endpoint.ts";
import type { Reached } from "../../helper/proxy.ts";
import type { System } from "../../helper/sys/system.ts";

// biome-ignore lint/performance/noBarrelFile: it stands for proxy.ts
export { proxy } from "../../helper/proxy.ts";

export function reachGuest(request: Request, _handOver: string, sys: System): Reached {
  const found = findEndpoint(request, sys);
  const { endpoint } = found;
  const guest = connectGuest(endpoint, request, sys);
  found.leave();
  return { endpoint, guest, daemon: found };
}
