// Collects the secrets of flows for a report: one finding for each secret, with all its places. No finding holds its secret.
import { type ByteString, toByteString, toText } from "../flow/bytes.ts";
import type { Flow } from "../flow/flow.ts";
import { detached } from "./detached.ts";
import { redactFlow } from "./flow.ts";
import { parseJwt } from "./jwt.ts";
import { KnownSecrets } from "./known-secrets.ts";
import { redactNested } from "./nested.ts";
import type { Placeholders } from "./placeholders.ts";
import { Redaction } from "./redaction.ts";
import type { RedactionRules } from "./rules.ts";
import type { Secret } from "./secret.ts";
import type { Confidence } from "./span.ts";
import { redactUrl } from "./url.ts";

/** Number of places that a finding keeps; further ones are only counted. */
const PLACES_LIMIT = 1000;
/** Number of findings; further secrets are only counted. */
const FINDINGS_LIMIT = 100_000;

/** Where a secret stands. */
export interface FindingPlace {
	/** Id of the flow. */
	readonly flow: string;
	/** Position of the flow among all flows, from 1. */
	readonly number: number;
	/** Such as `response body $.access_token`. */
	readonly where: string;
}

/** A secret, without its value. */
export interface Finding {
	/** What the secret is, such as `token` or `password`. */
	readonly kind: string;
	/** Name of the rule that found it. */
	readonly rule: string;
	/** How sure it is that the value is a secret. */
	readonly confidence: Confidence;
	/** A MAC of the secret, equal for equal secrets of one key. */
	readonly fingerprint: string;
	/** At most the first four characters, none of short secrets. */
	readonly preview: string;
	/** Bytes. */
	readonly length: number;
	/** Method and URL of the first flow, without query and secrets. */
	readonly label: string;
	/** When a JWT expires, in seconds since 1970; null: unknown, or no JWT. */
	readonly expires: number | null;
	/** The first places; `count` has the number of all. */
	readonly places: FindingPlace[];
	/** Number of places in which the secret stands. */
	count: number;
}

const RANK: Readonly<Record<Confidence, number>> = { high: 2, medium: 1, low: 0 };

export interface ScannerOptions {
	rules: RedactionRules;
	/** Makes the fingerprints. */
	placeholders: Placeholders;
	/** Findings below are left out. Default: low, all. */
	minConfidence?: Confidence;
}

export class Scanner {
	readonly #findings = new Map<ByteString, Finding>();
	readonly #placeholders: Placeholders;
	readonly #redaction: Redaction;
	readonly #least: number;
	/** Replaces secrets in labels by their kinds. */
	readonly #labelling: Redaction;
	#flow: Flow | null = null;
	#number = 0;
	#unkept = 0;

	constructor({ rules, placeholders, minConfidence = "low" }: ScannerOptions) {
		this.#placeholders = placeholders;
		this.#least = RANK[minConfidence];
		this.#redaction = new Redaction(rules, new KnownSecrets(), redactNested, (secret) => this.#found(secret));
		this.#labelling = new Redaction(rules, new KnownSecrets(), redactNested, ({ kind }) => `(${kind})`);
	}

	/** Number of flows that were read. */
	get flows(): number {
		return this.#number;
	}

	/** The findings, in the order in which they were found. */
	get findings(): Finding[] {
		return [...this.#findings.values()];
	}

	/** Number of places of secrets beyond the limit. */
	get unkept(): number {
		return this.#unkept;
	}

	/** Reads a flow. */
	readonly add = (flow: Flow): void => {
		this.#flow = flow;
		this.#number++;
		redactFlow(flow, this.#redaction, null);
	};

	#found(secret: Secret): ByteString {
		const { value, place } = secret;
		// a name of a session is not a credential
		if (RANK[secret.confidence] < this.#least || secret.rule === "session") return value;
		const finding = this.#findings.get(value) ?? this.#add(secret);
		if (finding === null) this.#unkept++;
		else {
			const last = finding.places.at(-1);
			if (last?.number === this.#number && last.where === place) return value;
			finding.count++;
			if (finding.places.length < PLACES_LIMIT)
				finding.places.push({ flow: this.#flow?.id ?? "", number: this.#number, where: detached(place) });
		}
		return value;
	}

	#add({ value, kind, rule, confidence }: Secret): Finding | null {
		if (this.#findings.size === FINDINGS_LIMIT) return null;
		const payload = value.startsWith("eyJ") ? parseJwt(value)?.payload : undefined;
		const expires = (payload as { exp?: unknown } | undefined)?.exp;
		const finding: Finding = {
			kind: payload === undefined ? kind : "jwt",
			rule,
			confidence,
			fingerprint: this.#placeholders.fingerprint(value),
			preview: value.length < 16 ? "" : detached(value.slice(0, 4)),
			length: value.length,
			label: this.#flow === null ? "" : this.#labelOf(this.#flow),
			expires: typeof expires === "number" ? expires : null,
			places: [],
			count: 0,
		};
		this.#findings.set(detached(value), finding);
		return finding;
	}

	#labelOf(flow: Flow): string {
		if (flow.type !== "http") return flow.type;
		const { method, prettyUrl } = flow.request;
		const url = toByteString(prettyUrl.replace(/[?#][\s\S]*/, ""));
		return `${toText(method)} ${toText(redactUrl(url, this.#labelling))}`;
	}
}
