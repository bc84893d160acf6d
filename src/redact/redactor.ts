// Replaces the secrets of flows by placeholders, or reports them. The same secret has the same placeholder in all flows.
import { type ByteString, toByteString, toText } from "../flow/bytes.ts";
import type { Flow } from "../flow/flow.ts";
import { type LossReporter, redactFlow, redactMessages } from "./flow.ts";
import { redactJwt } from "./jwt.ts";
import { KnownSecrets } from "./known-secrets.ts";
import { secretKind } from "./names.ts";
import { redactNested } from "./nested.ts";
import { type PlaceholderShape, Placeholders } from "./placeholders.ts";
import { Redaction } from "./redaction.ts";
import type { RedactionRules } from "./rules.ts";
import type { Secret } from "./secret.ts";
import { redactPath, redactUrl } from "./url.ts";

/** Values of environment variables that are shorter are not searched, unless the variable is named by an option. */
const SHORTEST_ENV = 8;
const SHORTEST_NAMED_ENV = 4;

/** Whether a named variable has a value that is searched. */
export function isSearchable(value = ""): boolean {
	return value.length >= SHORTEST_NAMED_ENV;
}

/** A value that is not a word or a number: it has letters and digits, or is long. */
const DISTINCTIVE = /^(?=[\s\S]*\d)(?=[\s\S]*[A-Za-z])[\s\S]{6,}$|^[^\s]{16,}$/;

export interface RedactorOptions {
	rules: RedactionRules;
	/** The key of the placeholders, at least 16 random bytes. */
	key: Buffer;
	/** The form of placeholders. Default: plain. */
	shape?: PlaceholderShape;
	/** Environment variables; values whose names mean a secret are secrets wherever they stand. Default: none. */
	env?: Readonly<Record<string, string | undefined>>;
	/** Variables whose values are secrets whatever their names are. Default: none. */
	envNames?: readonly string[];
	/** Called with the rule of each secret that is replaced. */
	onRedact?: (rule: string) => void;
	/** Called with a message about each body that was removed because it cannot be read. */
	onLoss?: LossReporter;
}

/** What redacting a part of a recording has found. */
export interface Findings {
	/** Secrets that were not known before and are searched in all texts from now on. */
	readonly learned: readonly ByteString[];
	/** The texts, as they were left. */
	readonly texts: readonly ByteString[];
}

/** URLs in a message. */
const URL_IN_TEXT = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi;

export class Redactor {
	readonly #known = new KnownSecrets();
	readonly #placeholders: Placeholders;
	readonly #learning: Redaction;
	readonly #redacting: Redaction;
	readonly #onLoss: LossReporter;
	/** Secrets that were found since the last findings. */
	#learned: ByteString[] = [];

	constructor({ rules, key, shape, env = {}, envNames = [], onRedact = () => {}, onLoss = () => {} }: RedactorOptions) {
		this.#placeholders = new Placeholders(key, shape);
		this.#onLoss = onLoss;
		this.#learning = new Redaction(rules, new KnownSecrets(), redactNested, (secret) => {
			this.#learn(secret);
			return secret.value;
		});
		this.#redacting = new Redaction(rules, this.#known, redactNested, (secret) => {
			onRedact(secret.rule);
			const placeholder = this.#learn(secret);
			return secret.isHex === true ? this.#placeholders.hex(secret.value) : placeholder;
		});
		for (const [name, value = ""] of Object.entries(env)) this.#addVariable(name, value, envNames.includes(name));
	}

	#addVariable(name: string, value: string, isNamed: boolean): void {
		if (!isNamed && (secretKind(name) === null || value.length < SHORTEST_ENV)) return;
		if (!isSearchable(value)) return;
		const bytes = Buffer.from(value).latin1Slice();
		this.#known.add({ value: bytes, kind: "env", placeholder: this.#placeholders.of("env", bytes) }, isNamed);
	}

	/** Finds the secrets of a flow, so that `redact` replaces them in other flows too. Changes nothing. */
	learn(flow: Flow): void {
		redactFlow(flow, this.#learning, null);
	}

	/** Replaces the secrets of a flow in place. Returns whether it changed. */
	redact(flow: Flow): boolean {
		return redactFlow(flow, this.#redacting, this.#onLoss);
	}

	/**
	 * As `redact`, for a flow of which nothing was learned before: its secrets are replaced in all of its parts, wherever
	 * they were found.
	 */
	redactNew(flow: Flow): Findings {
		return this.#finding(() => this.redact(flow));
	}

	/** As `redactNew`, for a single message of a conversation. */
	redactMessage(message: { content: Buffer }): Findings {
		return this.#finding(() => redactMessages([message], this.#redacting));
	}

	#finding(redact: () => void): Findings {
		const texts: ByteString[] = [];
		this.#redacting.onText = (text) => texts.push(text);
		try {
			redact();
			if (this.#learned.length > 0) {
				texts.length = 0;
				redact();
			}
		} finally {
			this.#redacting.onText = null;
		}
		const learned = this.#learned;
		this.#learned = [];
		return { learned, texts };
	}

	/** Replaces the secrets in a message for people, which may contain URLs. */
	text(message: string): string {
		this.#redacting.part = "message";
		const urls = toByteString(message).replace(URL_IN_TEXT, (url) => redactUrl(url, this.#redacting));
		return toText(this.#redacting.text(urls, "text", "", true));
	}

	/** The path of a URL, without secrets. */
	path(path: ByteString): ByteString {
		this.#redacting.part = "request";
		return redactPath(path, this.#redacting);
	}

	/** As `redact`, as a step of a pipe. */
	readonly step = (flow: Flow): Flow => {
		this.redact(flow);
		return flow;
	};

	/** Returns the placeholder of a secret, and searches its value from now on. */
	#learn({ value, kind, confidence }: Secret): ByteString {
		const known = this.#known.get(value);
		if (known !== undefined) return known.placeholder;
		const whole = this.#placeholders.of(kind, value);
		const jwt = value.startsWith("eyJ")
			? redactJwt(value, (claim) => this.#placeholders.of("claim", claim), whole)
			: null;
		if (jwt !== null) this.#addParts(value, jwt);
		const placeholder = jwt ?? whole;
		if (confidence === "high" || DISTINCTIVE.test(value)) this.#know(value, kind, placeholder);
		return placeholder;
	}

	/** Payload and signature of a token: some sites keep them in two cookies. */
	#addParts(token: ByteString, redacted: ByteString): void {
		const parts = redacted.split(".");
		for (const [i, value] of token.split(".").entries())
			if (i > 0 && value !== "") this.#know(value, "jwt", parts[i] as string);
	}

	#know(value: ByteString, kind: string, placeholder: ByteString): void {
		if (this.#known.get(value) !== undefined) return;
		this.#learned.push(this.#known.add({ value, kind, placeholder }).value);
	}
}
