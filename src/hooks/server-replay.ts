// Answers requests from recordings. What has no recording never reaches a server unless that was asked for.
import { type HttpFlow, KILLED } from "../flow/flow.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { explainMiss } from "../replay/near-miss.ts";
import { options as indexOptions, ReplayIndex } from "../replay/replay-index.ts";
import { clock, type HookContext } from "./context.ts";
import type { Hook, Turn } from "./hook.ts";
import { makeResponse } from "./make-response.ts";

export const options = {
	...indexOptions,
	server_replay_extra: {
		type: "string",
		default: "404",
		choices: ["forward", "kill", "204", "400", "404", "500"],
		help: "What becomes of requests without a recording: a status, hanging up, or the real server.",
	},
	server_replay_refresh: {
		type: "boolean",
		default: true,
		help: "Move dates and the expiry of cookies, so that they keep their distance to the time of recording.",
	},
	server_replay_kill_extra: {
		type: "boolean",
		default: false,
		help: "Hang up on requests without a recording.",
		deprecated: "use server_replay_extra=kill instead",
	},
	server_replay_nopop: { type: "boolean", default: false, help: "Old name of server_replay_reuse.", deprecated: "use server_replay_reuse instead" },
} as const satisfies OptionTable;

const NAME = "server-replay";
/** Tells programs that the answer is none of the recorded ones. */
const MISS_FIELDS = [
	["x-flowtape-miss", "no recording"],
	["content-type", "text/plain; charset=utf-8"],
] as const;

/** What a run of replaying came to. */
export interface ReplayReport {
	readonly served: number;
	readonly missed: number;
	/** Recordings that could have answered and never did. */
	readonly unused: number;
}

export interface ServerReplay extends Hook {
	readonly name: typeof NAME;
	report(): Promise<ReplayReport>;
}

/** Whether a hook is the one that answers from recordings. */
export function isServerReplay(hook: Hook): hook is ServerReplay {
	return hook.name === NAME;
}

/** Answers from `context.recordings`; null when there are none. */
export async function createServerReplay(values: OptionValues<typeof options>, context: HookContext): Promise<ServerReplay | null> {
	const { recordings = [], now = clock } = context;
	if (recordings.length === 0) return null;
	const index = await ReplayIndex.open(recordings, { ...values, server_replay_reuse: values.server_replay_reuse || values.server_replay_nopop });
	const extra = values.server_replay_kill_extra ? "kill" : values.server_replay_extra;
	const refresh = values.server_replay_refresh;
	let served = 0;
	let missed = 0;

	async function miss(flow: HttpFlow, turn: Turn): Promise<void> {
		missed++;
		const explanation = await explainMiss(flow, index, values);
		context.onMiss?.({ method: flow.request.method, url: flow.request.prettyUrl, policy: extra, explanation });
		if (extra === "forward") return;
		if (extra === "kill") turn.abort(KILLED, NAME);
		else {
			flow.isReplay = "response";
			turn.answer(makeResponse(Number(extra), MISS_FIELDS, Buffer.from(explanation), now()), NAME);
		}
	}

	return {
		name: NAME,
		liveOnly: true,
		needs: { request: "always" },
		request(flow, turn) {
			const recording = index.take(flow);
			if (recording === null) return miss(flow, turn);
			served++;
			flow.isReplay = "response";
			turn.answer(recording.answer(now(), refresh), NAME);
		},
		async report() {
			return { served, missed, unused: await index.countUnused() };
		},
	};
}
