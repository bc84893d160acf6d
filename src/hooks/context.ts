// What hooks are given besides the values of their options: recordings, scripts, the time, and somebody to tell.
import type { NearMiss } from "../replay/explain/near-miss.ts";
import type { FlowSummary, RecordedTape } from "../replay/recordings/index-of-tapes.ts";
import type { Hook } from "./hook.ts";

/** A request that no recording answered. */
export interface Miss {
	/** Of the flow. */
	readonly id: string;
	readonly method: string;
	readonly url: string;
	/** What became of it: `forward`, `kill` or a status. */
	readonly policy: string;
	/** The nearest recordings and what differs, in a few lines. */
	readonly explanation: string;
	/** Nearest first; null: not looked for. */
	readonly nearest: readonly NearMiss[] | null;
}

/** A request that a recording answered. */
export interface Served {
	/** Of the flow. */
	readonly id: string;
	readonly method: string;
	readonly url: string;
	/** Id of the recorded flow. */
	readonly recording: string;
	/** What was not right with the recorded response, and was made right. */
	readonly repaired: string | null;
}

/** How clients come to trust the certificate authority. */
export interface TrustGuide {
	/** Its certificate, without the key. */
	certificate(format: "pem" | "der" | "p12"): Promise<Buffer>;
	/** SHA-256 of the certificate, in pairs of digits. */
	readonly fingerprint: string;
	/** Commands for systems, with `flowtape-ca.pem` as the certificate's file. */
	readonly systems: readonly { readonly title: string; readonly commands: readonly string[] }[];
}

export interface HookContext {
	/** Shown to clients; without it there is no page for them. */
	readonly guide?: TrustGuide;
	/** Tapes to answer from, in order; without any, nothing is answered from recordings. */
	readonly recordings?: readonly RecordedTape[];
	/** Hooks of the user's own. */
	readonly scripts?: readonly Hook[];
	/** Told what is worth knowing, in a line without a line break. Default: nobody. */
	readonly log?: (level: "info" | "warning", message: string) => void;
	readonly onMiss?: (miss: Miss) => void;
	/** Told of every rule that changed, answered or blocked something, and of features without rules by their option. */
	readonly onChange?: (rule: string) => void;
	readonly onServed?: (served: Served) => void;
	/** At the end, for each recording that could have answered and never did. */
	readonly onUnused?: (recording: FlowSummary) => void;
	/** What flags leave out of the names of options, for advice; default `server_replay_`. */
	readonly flagPrefix?: string;
	/** Seconds since 1970; default: the clock. */
	readonly now?: () => number;
	/** Whether filters heed case; default false. */
	readonly caseSensitiveFilters?: boolean;
}

/** The time, in seconds since 1970. */
export function clock(): number {
	return Date.now() / 1000;
}
