// Recorded requests sent again.
import type { HookValues } from "../src/hooks/builtin.ts";
import type { OptionValues } from "../src/options.ts";
import type { options as clientOptions, ReplayClient } from "../src/proxy/replay-client.ts";
import { type LiveReport, prepareTraffic, type TrafficSetup, waysOf } from "./traffic.ts";

export type ReplayClientValues = HookValues & OptionValues<typeof clientOptions>;

export interface ReplayClientSetup extends TrafficSetup {
	values: ReplayClientValues;
	/** How long an answer may take, in seconds; 0: as long as it takes. */
	timeout: number;
}

export interface RunningReplayClient extends Pick<ReplayClient, "send" | "stop"> {
	/** Waits for what is under way, and closes the output. */
	close(): Promise<LiveReport>;
}

/**
 * Prepares to send recorded requests again.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_NOT_FOUND, FT_IO
 */
export async function startReplayClient(setup: ReplayClientSetup): Promise<RunningReplayClient> {
	const { ReplayClient } = await import("../src/proxy/replay-client.ts");
	const { values, timeout } = setup;
	const traffic = await prepareTraffic(setup);
	const { pipeline, sink, onEvent } = traffic;
	const client = new ReplayClient({ options: values, pipeline, sink, timeout, ...(await waysOf(setup)), onEvent });
	await setup.scripts?.start(values);
	return {
		send: (recorded, change) => client.send(recorded, change),
		stop: () => client.stop(),
		async close() {
			await client.close();
			return traffic.close();
		},
	};
}
