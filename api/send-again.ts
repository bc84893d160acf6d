// Sends recorded requests again, each when it is due, and carries values of new responses over to later requests.
import { FlowtapeError } from "../src/errors.ts";
import { toByteString } from "../src/flow/bytes.ts";
import { endOf } from "../src/flow/ending.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";
import type { Request } from "../src/flow/message.ts";
import type { FlowSource } from "../src/flow/pipe.ts";
import { formatAuthority, parseUrl } from "../src/flow/url.ts";
import type { HookValues } from "../src/hooks/builtin.ts";
import type { OptionTable, OptionValues } from "../src/options.ts";
import type { options as clientOptions, ReplayClient } from "../src/proxy/replay-client.ts";
import { closeSources } from "./copy-flows.ts";
import { options as paceOptions, parseSpeed, sendAtPace } from "./pace.ts";
import { type LiveReport, prepareTraffic, type TrafficSetup, upstreamSettings } from "./traffic.ts";

export const options = {
	to: {
		type: "string",
		default: null,
		metavar: "URL",
		help: "Send all requests to this server, given as a URL with scheme, host and port.",
	},
	...paceOptions,
	timeout: {
		type: "integer",
		default: 60,
		min: 0,
		metavar: "SECONDS",
		help: "Maximum time for a response; 0: no limit.",
	},
	correlate: {
		type: "boolean",
		default: false,
		help: "Use new values from responses in later requests. A new value is a header field or a JSON value that differs from the recorded response. Cookies are always handled this way.",
	},
} as const satisfies OptionTable;

export interface SendJob extends TrafficSetup {
	values: HookValues & OptionValues<typeof clientOptions> & OptionValues<typeof options>;
	/** Opens the sources, after the options are checked. They are closed at the end, also after an error. */
	open(): Promise<readonly FlowSource[]>;
	/** Stops sending when it is aborted; exchanges in progress are stored as they are. */
	signal: AbortSignal;
	/** Called before the first request is sent. */
	onReady?(): void;
	/**
	 * Called when an exchange has ended, successfully or not. It counts as in progress until the returned promise
	 * resolves. `redacted` makes flows that may be printed.
	 */
	onSent(recorded: HttpFlow, sent: HttpFlow, hasFailed: boolean, redacted: Redacted): void | Promise<void>;
	/** Called when all exchanges have ended. */
	onRead?(): void;
	/** Called with each flow whose request is not sent, and the reason. */
	onSkipped(flow: Flow, why: string, redacted: Redacted): void | Promise<void>;
}

/** A flow without secrets; without the option `redact`, the flow itself. */
export type Redacted = <F extends Flow>(flow: F) => F;

export interface SendReport extends LiveReport {
	readonly sent: number;
	/** Exchanges among them that failed. An exchange that the client ended, as in the recording, did not fail. */
	readonly failed: number;
	readonly skipped: number;
}

/**
 * Sends the requests of recorded flows again; resolves when all exchanges have ended and the output is closed.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_NOT_FOUND, FT_IO, and errors of the sources
 */
export async function sendAgain({
	open,
	onReady,
	onSent,
	onSkipped,
	onRead,
	signal,
	...setup
}: SendJob): Promise<SendReport> {
	const { values } = setup;
	const redirect = redirectTo(values.to);
	const speed = parseSpeed(values.speed);
	const { CarryOver, destinationOf } = await import("../src/replay/carry-over.ts");
	const carry = new CarryOver(values.correlate);
	const count = { sent: 0, failed: 0, skipped: 0 };
	const sources = await open();
	try {
		const client = await startClient(setup);
		onReady?.();
		const stop = () => client.stop();
		const send = async (recorded: HttpFlow): Promise<void> => {
			const recordedTo = destinationOf(recorded.request);
			let to = recordedTo;
			const sent = await client.send(recorded, (request) => {
				redirect(request);
				to = destinationOf(request);
				carry.apply(request, recordedTo);
			});
			const hasFailed = sent.error !== null && !(endOf(sent) === "client" && endOf(recorded) === "client");
			count.sent++;
			if (hasFailed) count.failed++;
			carry.learn(recorded, sent, to);
			await onSent(recorded, sent, hasFailed, client.redacted);
		};
		const skip = (flow: Flow, why: string) => {
			count.skipped++;
			return onSkipped(flow, why, client.redacted);
		};
		signal.addEventListener("abort", stop, { once: true });
		const { client_replay_concurrency: concurrency, rate } = values;
		try {
			await sendAtPace(
				resendableFlows(sources, skip),
				{ concurrency: concurrency < 1 ? Number.POSITIVE_INFINITY : concurrency, rate, speed },
				send,
				signal,
			);
		} catch (error) {
			client.stop();
			await client.close();
			throw error;
		} finally {
			signal.removeEventListener("abort", stop);
		}
		onRead?.();
		return { ...(await client.close()), ...count };
	} finally {
		await closeSources(sources);
	}
}

interface Client extends Pick<ReplayClient, "send" | "stop"> {
	readonly redacted: Redacted;
	/** Waits for exchanges in progress, and closes the output. */
	close(): Promise<LiveReport>;
}

async function startClient(setup: TrafficSetup & Pick<SendJob, "values">): Promise<Client> {
	const { ReplayClient } = await import("../src/proxy/replay-client.ts");
	const { values, scripts } = setup;
	const traffic = await prepareTraffic(setup);
	const { pipeline, sink, onEvent } = traffic;
	try {
		const client = new ReplayClient({
			options: values,
			pipeline,
			sink,
			timeout: values.timeout,
			...(await upstreamSettings(setup)),
			onEvent,
		});
		await scripts?.start(values);
		return {
			send: (recorded, change) => client.send(recorded, change),
			stop: () => client.stop(),
			redacted: (flow) => traffic.recorded(flow) as typeof flow,
			async close() {
				await client.close();
				return traffic.close();
			},
		};
	} catch (error) {
		await traffic.close();
		throw error;
	}
}

async function* resendableFlows(
	sources: readonly FlowSource[],
	skip: (flow: Flow, why: string) => void | Promise<void>,
): AsyncGenerator<HttpFlow> {
	const { whyNotResendable } = await import("../src/proxy/replay-client.ts");
	for (const source of sources)
		for await (const batch of source)
			for (const flow of batch) {
				const why = flow.type === "http" ? whyNotResendable(flow) : `it is ${flow.type}, not HTTP`;
				if (why !== null) await skip(flow, why);
				else if (flow.type === "http") yield flow;
			}
}

/**
 * Returns a function that redirects requests to another server, and changes Host accordingly.
 * @throws FlowtapeError FT_BAD_OPTION
 */
function redirectTo(to: string | null): (request: Request) => void {
	if (to === null) return () => {};
	try {
		const { scheme, host, port } = parseUrl(to);
		if (!/^https?$/.test(scheme)) throw new Error(`${scheme} is not HTTP`);
		const authority = formatAuthority(host, port, scheme);
		return (request) => {
			request.scheme = toByteString(scheme);
			request.host = host;
			request.port = port;
			request.headers.set("host", authority);
			if (request.authority !== "") request.authority = toByteString(authority);
		};
	} catch (cause) {
		throw new FlowtapeError("FT_BAD_OPTION", `expected a server's URL such as http://localhost:3000, found "${to}"`, {
			option: "to",
			cause,
		});
	}
}
