// The library's front door.
export { type LiveProxy, type LiveReport, type LiveSetup, type LiveValues, startLive } from "./api/live.ts";
export { type ReplayClientSetup, type ReplayClientValues, type RunningReplayClient, startReplayClient } from "./api/replay-client.ts";
export { createTape, openTape } from "./formats/index.ts";
export { type ErrorCode, FlowtapeError, type Reporter } from "./src/errors.ts";
export type * from "./src/flow/connection.ts";
export { DnsFlow, type Flow, HttpFlow, TcpFlow, UdpFlow } from "./src/flow/flow.ts";
export { Headers } from "./src/flow/headers.ts";
export { Request, Response } from "./src/flow/message.ts";
export { type FlowSink, type FlowSource, pipe, type Step } from "./src/flow/pipe.ts";
export type { Hook, Phase } from "./src/hooks/hook.ts";
export type { Turn } from "./src/hooks/turn.ts";
export type { Addon, Context, Loader } from "./src/scripts/addon.ts";
export { HTTPFlow, StreamFlow } from "./src/scripts/flow-view.ts";
export { HeadersView } from "./src/scripts/headers-view.ts";
export { RequestView, ResponseView } from "./src/scripts/message-view.ts";
