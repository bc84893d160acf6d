// Python regular expressions on Node: what filters, rules and replacements are written in. A pattern means what it means to
// Python's `re`, on text or on bytes, and cannot hang the process.
import { createRequire } from "node:module";
import type * as Vm from "node:vm";
import { FlowtapeError } from "../errors.ts";
import { isAscii, toByteString, toText } from "../flow/bytes.ts";
import { useLinearEngine } from "../process-tuning.ts";
import { isNullable, longestHarmless, requiredLiteral } from "./cost.ts";
import { type EmitOptions, emitRegex } from "./emit.ts";
import { parsePythonRegex, type RegexFlags } from "./parse.ts";
import type { RegexKind } from "./read.ts";
import { parseTemplate, type Template } from "./template.ts";
import { type RegexTree, someNode } from "./tree.ts";

export interface PythonRegexOptions extends RegexFlags {
	/** `text`: subjects are strings; `bytes`: byte strings, and classes and case are those of ASCII. */
	kind: RegexKind;
}

/**
 * One match: where, and what each group holds (0: all of it), undefined where it took no part. In the last round of a repeat,
 * that is: unlike in Python, groups of earlier rounds and of rounds that match nothing are forgotten.
 */
export interface PythonMatch {
	readonly index: number;
	readonly groups: readonly (string | undefined)[];
}

/** A pattern as JavaScript has it, for one kind of subject. */
interface Program {
	readonly regex: RegExp;
	readonly global: RegExp;
	readonly groups: readonly (readonly number[])[];
	/** V8 finds empty matches between the halves of a surrogate pair too; for Python there is no such place. */
	readonly mayMatchInPair: boolean;
}

const IN_PAIR = /^[\ud800-\udbff][\udc00-\udfff]/;

/**
 * Compiles a pattern, which is text for `bytes` as well: there its UTF-8 bytes are meant.
 * @throws FlowtapeError FT_BAD_PATTERN with the column, for what Python refuses and for the little that has no counterpart here
 */
export function compilePythonRegex(pattern: string, options: PythonRegexOptions): PythonRegex {
	return new PythonRegex(pattern, options);
}

export class PythonRegex {
	readonly pattern: string;
	readonly kind: RegexKind;
	readonly #tree: RegexTree;
	/** Longer subjects are watched. */
	readonly #harmless: number;
	readonly #needsLineFeed: boolean;
	readonly #programs: (Program | undefined)[] = [];
	#required: Buffer | RegExp | null | undefined;

	/** Made by `compilePythonRegex`. */
	constructor(pattern: string, { kind, ...flags }: PythonRegexOptions) {
		this.pattern = pattern;
		this.kind = kind;
		this.#tree = parse(pattern, kind, flags);
		this.#harmless = longestHarmless(this.#tree.root, kind);
		this.#needsLineFeed = someNode(this.#tree.root, (node) => node.type === "anchor" && node.at === "lastLineEnd");
		if (this.#harmless < 64) useLinearEngine();
		this.#program(kind === "bytes" ? "bytes" : "unicode", false);
	}

	/** Number of capturing groups. */
	get groups(): number {
		return this.#tree.groups;
	}

	/** The numbers of the groups that have names. */
	get names(): ReadonlyMap<string, number> {
		return this.#tree.names;
	}

	/** Whether the pattern is found anywhere. @throws FlowtapeError FT_PATTERN_STOPPED */
	test(subject: string): boolean {
		const { regex, mayMatchInPair } = this.#programFor(subject);
		if (mayMatchInPair) return this.exec(subject) !== null;
		return subject.length <= this.#harmless ? regex.test(subject) : this.#watch(() => regex.test(subject), subject.length);
	}

	/** As `test`, on bytes, when the pattern is one of bytes. */
	testBytes(bytes: Buffer): boolean {
		if (this.#required === undefined) this.#required = required(this.#tree);
		// most subjects are ruled out by bytes that every match has, without a string made of them
		if (this.#required instanceof Buffer && !bytes.includes(this.#required)) return false;
		if (bytes.length <= WINDOW) return this.#testWindow(bytes.latin1Slice());
		for (let at = 0; at < bytes.length; at += WINDOW - OVERLAP) if (this.#testWindow(bytes.latin1Slice(at, Math.min(at + WINDOW, bytes.length)))) return true;
		return false;
	}

	/** The first match at or after `from`. @throws FlowtapeError FT_PATTERN_STOPPED */
	exec(subject: string, from = 0): PythonMatch | null {
		const { global, groups, mayMatchInPair } = this.#programFor(subject);
		global.lastIndex = from;
		const match = subject.length <= this.#harmless ? global.exec(subject) : this.#watch(() => global.exec(subject), subject.length);
		if (match === null) return null;
		if (mayMatchInPair && IN_PAIR.test(subject.slice(match.index - 1, match.index + 1))) return this.exec(subject, match.index + 1);
		const found = groups.map((places) => places.map((place) => match[place]).find((part) => part !== undefined));
		found[0] = match[0];
		return { index: match.index, groups: found };
	}

	/**
	 * What to put in place of matches, with `\1`, `\g<name>` and escapes.
	 * @throws FlowtapeError FT_BAD_PATTERN
	 */
	template(text: string): Template {
		const template = parseTemplate(text, this.groups, this.#tree.names);
		return this.kind === "text" ? template : template.map((part) => (typeof part === "string" ? toByteString(part) : part));
	}

	/**
	 * The subject with every match replaced: by a string as it is, or by a template. However many matches there are, time and result are bounded.
	 * @throws FlowtapeError FT_PATTERN_STOPPED
	 */
	replace(subject: string, replacement: string | Template): string {
		return [...this.replacing(subject, replacement)].join("");
	}

	/**
	 * As `replace`, part by part of what it makes: the time between them does not count.
	 * @param limit characters that it may make
	 */
	*replacing(subject: string, replacement: string | Template, limit = resultLimit(subject.length)): Generator<string> {
		let [at, from] = [0, 0];
		const result = new Result(this.pattern, subject.length, limit);
		while (from <= subject.length) {
			const match = this.exec(subject, from);
			if (match === null) break;
			const length = match.groups[0]?.length ?? 0;
			result.add(subject.slice(at, match.index));
			result.add(typeof replacement === "string" ? replacement : fill(replacement, match));
			at = match.index + length;
			from = length === 0 ? at + ((subject.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) : at;
			if (!result.isFull) continue;
			yield result.take();
			result.goOn();
		}
		result.add(subject.slice(at));
		yield result.take();
	}

	#programFor(subject: string): Program {
		const lineFeed = this.#needsLineFeed && subject.charCodeAt(subject.length - 1) === 10;
		return this.#program(this.kind === "bytes" ? "bytes" : isAscii(subject) ? "ascii" : "unicode", lineFeed);
	}

	#program(subject: EmitOptions["subject"], lineFeedAtEnd: boolean): Program {
		const key = (subject === "unicode" ? 2 : 0) + (lineFeedAtEnd ? 1 : 0);
		let program = this.#programs[key];
		if (program === undefined) {
			program = this.#compile({ subject, lineFeedAtEnd });
			this.#programs[key] = program;
		}
		return program;
	}

	#compile(options: EmitOptions): Program {
		const { source, flags, groups } = emitRegex(this.#tree, options);
		try {
			return {
				regex: new RegExp(source, flags),
				global: new RegExp(source, `${flags}g`),
				groups,
				mayMatchInPair: flags.includes("v") && isNullable(this.#tree.root),
			};
		} catch (cause) {
			throw new FlowtapeError("FT_BAD_PATTERN", `"${this.pattern}" is too much for the engine: ${(cause as Error).message}`, { cause });
		}
	}

	#testWindow(subject: string): boolean {
		return (!(this.#required instanceof RegExp) || this.#required.test(subject)) && this.test(subject);
	}

	#watch<T>(run: () => T, length: number): T {
		return watched(run, LIMIT_MS + length / BYTES_PER_MS, () => {
			const message = `the pattern "${this.pattern}" was stopped: it had not ended after ${LIMIT_MS / 1000} s on ${length} characters. Make its repeats less ambiguous`;
			return new FlowtapeError("FT_PATTERN_STOPPED", message);
		});
	}
}

/** What every match has, where it is of some use to look for that first: it spares a costly pattern most of its subjects. */
function required({ root }: RegexTree): Buffer | RegExp | null {
	const literal = requiredLiteral(root);
	if (literal.length === 0) return null;
	const codes = literal.map((node) => (node.type === "set" && node.fold === "none" ? (node.ranges[0]?.[0] ?? -1) : -1));
	if (codes.every((code) => code >= 0)) return Buffer.from(codes);
	if (root.type === "set" || (root.type === "sequence" && literal.length === root.of.length)) return null;
	return new RegExp(emitRegex({ root: { type: "sequence", of: literal }, groups: 0, names: new Map() }, { subject: "bytes", lineFeedAtEnd: false }).source);
}

/** What comes of replacing: joined as it grows, so that many small pieces take no room. */
class Result {
	readonly #pattern: string;
	readonly #limit: number;
	/** Time that is left, in milliseconds, and since when it runs. */
	#leftMs: number;
	#since = performance.now();
	#pieces: string[] = [];
	#length = 0;

	constructor(pattern: string, size: number, limit: number) {
		this.#pattern = pattern;
		this.#limit = limit;
		this.#leftMs = REPLACING_MS + size / REPLACED_PER_MS;
	}

	add(piece: string): void {
		this.#length += piece.length;
		if (this.#length > this.#limit) throw this.#stopped(`what it makes has more than ${Math.floor(this.#limit / 2 ** 20)} MiB`);
		this.#pieces.push(piece);
	}

	get isFull(): boolean {
		return this.#pieces.length >= PIECES;
	}

	/** What was added since it was last asked for. */
	take(): string {
		this.#leftMs -= performance.now() - this.#since;
		if (this.#leftMs < 0) throw this.#stopped("it has too many matches for the time that one body may take");
		const part = this.#pieces.join("");
		this.#pieces = [];
		return part;
	}

	/** Time runs again. */
	goOn(): void {
		this.#since = performance.now();
	}

	#stopped(why: string): FlowtapeError {
		return new FlowtapeError("FT_PATTERN_STOPPED", `replacing "${this.#pattern}" was stopped: ${why}`);
	}
}

const PIECES = 256;
/** Characters that replacing may make, unless the subject has as many. */
const RESULT_LIMIT = 256 * 1024 * 1024;
/** No string is longer. */
const LONGEST = 2 ** 29 - 1024;
function resultLimit(size: number): number {
	return Math.min(Math.max(size + RESULT_LIMIT / 4, RESULT_LIMIT), LONGEST);
}

/** Time that all matches in one subject may take, in milliseconds, and what is added for long ones. */
const REPLACING_MS = 5000;
const REPLACED_PER_MS = 10_000;

/** Longer bodies are searched in pieces, since strings have an end. A match longer than the overlap may be missed in them. */
const WINDOW = 256 * 1024 * 1024;
const OVERLAP = 1024 * 1024;

/** Time that one search may take, in milliseconds, and what is added for long subjects. */
const LIMIT_MS = 2000;
const BYTES_PER_MS = 100_000;

function parse(pattern: string, kind: RegexKind, flags: RegexFlags): RegexTree {
	if (kind === "text") return parsePythonRegex(pattern, kind, flags);
	const bytes = toByteString(pattern);
	try {
		return parsePythonRegex(bytes, kind, flags);
	} catch (error) {
		if (!(error instanceof FlowtapeError) || error.column === undefined) throw error;
		throw new FlowtapeError(error.code, error.message, { column: toText(bytes.slice(0, error.column - 1)).length + 1 });
	}
}

function fill(template: Template, match: PythonMatch): string {
	return template.map((part) => (typeof part === "string" ? part : (match.groups[part] ?? ""))).join("");
}

const load = createRequire(import.meta.url);

let watcher: ((run: () => unknown, limitMs: number) => unknown) | undefined;

/** Runs synchronous work that is interrupted when it takes longer. */
function watched<T>(run: () => T, limitMs: number, stopped: () => FlowtapeError): T {
	watcher ??= makeWatcher();
	try {
		return watcher(run, limitMs) as T;
	} catch (error) {
		// the error is of another realm, so no instance of our Error
		const { code } = error as { code?: unknown };
		throw code === "ERR_SCRIPT_EXECUTION_TIMEOUT" ? stopped() : error;
	}
}

function makeWatcher(): (run: () => unknown, limitMs: number) => unknown {
	const vm = load("node:vm") as typeof Vm;
	const box: { run: (() => unknown) | null } = { run: null };
	const context = vm.createContext(box);
	const script = new vm.Script("run()");
	return (run, limitMs) => {
		box.run = run;
		try {
			return script.runInContext(context, { timeout: Math.ceil(limitMs) });
		} finally {
			box.run = null;
		}
	};
}
