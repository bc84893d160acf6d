// The context of hooks besides their options: recordings, scripts, the clock, and callbacks.
import type { HttpFlow } from "../flow/flow.ts";
import type { Metadata } from "../flow/metadata.ts";
import type { FlowSummary } from "../flow/recorded.ts";
import type { NearMiss } from "../replay/explain/near-miss.ts";
import type { MissWording } from "../replay/explain/wording.ts";
import type { RecordedTape } from "../replay/recordings/index-of-tapes.ts";
import type { Hook } from "./hook.ts";

/** A request that no recording answered. */
export interface Miss {
	/** The id of the flow. */
	readonly id: string;
	readonly method: string;
	readonly url: string;
	/** The session of the client; null: none. */
	readonly session: string | null;
	/** How it was handled: `forward`, `kill` or a status. */
	readonly policy: string;
	/** The nearest recordings and their differences, in a few lines. */
	readonly explanation: string;
	/** The nearest recordings, nearest first; null: not searched for. */
	readonly nearest: readonly NearMiss[] | null;
}

/** A request that a recording answered. */
export interface Served {
	/** The id of the flow. */
	readonly id: string;
	readonly method: string;
	readonly url: string;
	/** The session of the client; null: none. */
	readonly session: string | null;
	/** The id of the recorded flow. */
	readonly recording: string;
	/** What was invalid in the recorded response and was repaired; null: nothing. */
	readonly repaired: string | null;
}

/** How to make clients trust the certificate authority. */
export interface TrustGuide {
	/** The certificate, without the key. */
	certificate(format: "pem" | "der" | "p12"): Promise<Buffer>;
	/** SHA-256 of the certificate, as colon-separated pairs of hexadecimal digits. */
	readonly fingerprint: string;
	/** The commands for each system, with the certificate in `flowtape-ca.pem`. */
	readonly systems: readonly { readonly title: string; readonly commands: readonly string[] }[];
}

export interface HookContext {
	/** The content of the onboarding page; without it there is no page. */
	readonly guide?: TrustGuide;
	/** The tapes to answer from, in order. Default: none. */
	readonly recordings?: readonly RecordedTape[];
	/** The notes on the tape that is being recorded. If it is redacted, requests are compared without secrets. */
	readonly notes?: Metadata;
	/** The hooks of the user's scripts. */
	readonly scripts?: readonly Hook[];
	/** Called with messages for the log, each one line without a line break. */
	readonly log?: (level: "info" | "warning", message: string) => void;
	readonly onMiss?: (miss: Miss) => void;
	/**
	 * Called with every rule that changed, answered or blocked a flow, and with its option; for features without rules,
	 * the option is the rule.
	 */
	readonly onChange?: (rule: string, option?: string) => void;
	readonly onServed?: (served: Served) => void;
	/**
	 * Tells at each new connection whether the client was started again. Then the order `sequence` begins anew. Default: it
	 * never was.
	 */
	readonly clients?: { hasRestarted(): boolean };
	/** Called at the end for each recording that was never used. */
	readonly onUnused?: (recording: FlowSummary) => void;
	/** The words of advice about misses. Default: the flags of `replay-server`. */
	readonly wording?: MissWording;
	/** Whether a request passes the recordings: then none answers it, and it is not a miss. Default: none does. */
	readonly passes?: (flow: HttpFlow) => boolean;
	/** The time in seconds since 1970. Default: the system clock. */
	readonly now?: () => number;
	/** Whether filters are case-sensitive. Default: false. */
	readonly caseSensitiveFilters?: boolean;
}
