// Answers requests from recordings. What has no recording never reaches a server unless that was asked for.
import { type HttpFlow, KILLED } from "../flow/flow.ts";
import { Headers } from "../flow/headers.ts";
import { Response } from "../flow/message.ts";
import { standardReason } from "../flow/reason.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { explainMiss } from "../replay/near-miss.ts";
import { options as indexOptions, ReplayIndex } from "../replay/replay-index.ts";
import { clock, type HookContext } from "./context.ts";
import type { Hook, Turn } from "./hook.ts";

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
			turn.answer(missResponse(Number(extra), explanation, now()), NAME);
		}
	}

	return {
		name: NAME,
		liveOnly: true,
		needs: { request: true },
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

/** Says what is missing, where the status lets it have a body. */
function missResponse(status: number, explanation: string, now: number): Response {
	const body = status === 204 ? Buffer.alloc(0) : Buffer.from(explanation);
	const fields: [string, string][] = [["x-flowtape-miss", "no recording"]];
	if (status !== 204) fields.push(["content-type", "text/plain; charset=utf-8"], ["content-length", String(body.length)]);
	return new Response({ statusCode: status, reason: standardReason(status), headers: Headers.of(...fields), body, timestampStart: now, timestampEnd: now });
}
