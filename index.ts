// The public API of the library. Each function loads its dependencies when it is called.
export { compileFilter } from "./api/compile-filter.ts";
export { convert } from "./api/convert.ts";
export {
	defineFormat,
	type Format,
	type FormatContext,
	type FormatDefinition,
	type FormatOutput,
	type FormatWriteContext,
	type FormatWriter,
} from "./api/define-format.ts";
export { type DiffOptions, diff, type FlowChange } from "./api/diff.ts";
export { type ExplainOptions, type Explanation, explain, type MatchOptions } from "./api/explain.ts";
export { exportFlow } from "./api/export-flow.ts";
export type { ExportFormat } from "./api/exporters.ts";
export { filter } from "./api/filter.ts";
export {
	type ConnectHook,
	type ConnectionHook,
	type Decision,
	defineHook,
	type Hook,
	type Phase,
	type TcpHook,
	type Verdict,
} from "./api/hooks.ts";
export type { ProxyHandle as Proxy, ProxyOptions } from "./api/proxy.ts";
export { type RecordOptions, record } from "./api/record.ts";
export {
	type ReplayClient,
	type ReplayClientOptions,
	type ReplayClientReport,
	type Replayed,
	replayClient,
	type SentFlow,
	type SkippedFlow,
} from "./api/replay-client.ts";
export { type ReplayServerOptions, replayServer } from "./api/replay-server.ts";
export type { RequestDescription, RequestLike } from "./api/request-like.ts";
export { type RewriteOptions, type RewriteWriteOptions, rewrite } from "./api/rewrite.ts";
export { type CommandReport, type RunOptions, run } from "./api/run.ts";
export type { ProxyEvent, ProxyEvents, RunReport } from "./api/run-events.ts";
export { type ScanOptions, type ScanReport, scan } from "./api/scan.ts";
export type { Session, SessionReport } from "./api/session.ts";
export type { OneSource, Source, Target } from "./api/source.ts";
export {
	type CreateTapeOptions,
	createTape,
	type FlowQuery,
	type FlowSequence,
	type FormatName,
	type OpenTapeOptions,
	openTape,
	type Tape,
	type TapePath,
	type TapeStats,
	type TapeWriter,
} from "./api/tape.ts";
export type { TroubleOptions } from "./api/trouble.ts";
export type { Failure, FailureKind } from "./api/verdict.ts";
export type { WriteOptions, WriteReport } from "./api/write-flows.ts";
export type { ChildStream, ChildStreams } from "./src/child/process.ts";
export type { FlowDifference } from "./src/compare/differences.ts";
export { type ErrorCode, type ErrorDetail, errorCodes, FlowtapeError, type Reporter } from "./src/errors.ts";
export type { FilterOptions } from "./src/filter/compile.ts";
export type { Filter } from "./src/filter/filter.ts";
export type * from "./src/flow/connection.ts";
export { DnsFlow, type Flow, HttpFlow, TcpFlow, UdpFlow } from "./src/flow/flow.ts";
export { Headers } from "./src/flow/headers.ts";
export { Request, Response } from "./src/flow/message.ts";
export type { Miss, Served } from "./src/hooks/context.ts";
export { tuneProcess } from "./src/process-tuning.ts";
export type { Finding, FindingPlace } from "./src/redact/scanner.ts";
export type { Confidence } from "./src/redact/span.ts";
export type { ReplayOption, RequestDifference } from "./src/replay/explain/differences.ts";
export type { NearMiss } from "./src/replay/explain/near-miss.ts";
export type { MatchFunction } from "./src/replay/recordings/index-of-tapes.ts";
export type { Addon, Context, Loader } from "./src/scripts/addon.ts";
export { HTTPFlow, StreamFlow } from "./src/scripts/flow-view.ts";
export { HeadersView } from "./src/scripts/headers-view.ts";
export { RequestView, ResponseView } from "./src/scripts/message-view.ts";
