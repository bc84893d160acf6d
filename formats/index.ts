// The formats of flow files, in the order in which they are recognised, and the two verbs: open a tape, create a tape.
import { FlowtapeError } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import { type FlowSink, FlowSource, ForwardingSource, type ReadOptions, type ReadProgress } from "../src/flow/pipe.ts";
import { defaultRequestKey } from "../src/replay/match/key.ts";
import type { RecordedTape } from "../src/replay/recordings/index-of-tapes.ts";
import { refuseUnaddable } from "./addable.ts";
import { withoutCompression } from "./compression.ts";
import type { Format, Input, SinkOptions, SourceOptions } from "./format.ts";
import { har } from "./har.ts";
import { openInput } from "./input.ts";
import { jsonl } from "./jsonl.ts";
import { mitm } from "./mitm.ts";
import { createTapeFormat } from "./tape.ts";

export { openFileSpool } from "./file-spool.ts";
export type { Format, Input, SinkOptions } from "./format.ts";
export { summaryLine } from "./jsonl.ts";
export { openOutput } from "./output.ts";

/** In the order in which content is looked at. The first is the default for writing. */
export const formats: readonly Format[] = [createTapeFormat(defaultRequestKey), mitm, har, jsonl];

/** Bytes by which a format is recognised. */
const HEAD_BYTES = 4096;

/** Formats of the caller's own. */
export interface MoreFormats {
	/** Asked before those that flowtape has. */
	formats?: readonly Format[] | undefined;
}

export interface OpenOptions extends SourceOptions, MoreFormats {
	/** Name of the format; default: told by the content. */
	format?: string | undefined;
}

/**
 * Opens a tape of any format for reading, `-` for stdin. An empty file is a tape without flows.
 * @throws FlowtapeError FT_NOT_FOUND, FT_IO, FT_UNKNOWN_FORMAT
 */
export async function openTape(path: string, options: OpenOptions): Promise<FlowSource> {
	const { input, format } = await recognise(path, options.format, options.formats);
	return sourceOf(input, format, options);
}

async function sourceOf(input: Input, format: Format | null, options: SourceOptions): Promise<FlowSource> {
	if (format === null) {
		await input.close();
		return empty;
	}
	return new OpenSource(await format.read(input, options), input);
}

/** Closes its input at its end. */
class OpenSource extends ForwardingSource {
	readonly #input: Input;

	constructor(source: FlowSource, input: Input) {
		super(source);
		this.#input = input;
	}

	override progress(): ReadProgress {
		const own = this.inner.progress();
		return own.total === null ? this.#input.progress() : own;
	}

	override async transfer(sink: FlowSink): Promise<number | null> {
		const count = await this.inner.transfer(sink);
		if (count !== null) await this.#input.close();
		return count;
	}

	override async *read(options?: ReadOptions): AsyncGenerator<Flow[]> {
		try {
			yield* this.inner.read(options);
		} finally {
			await this.#input.close();
		}
	}

	override async close(): Promise<void> {
		await this.inner.close();
		await this.#input.close();
	}
}

/**
 * Opens a tape to answer requests from. Where its format finds recordings by their key, nothing is read yet.
 * @throws FlowtapeError as `openTape`
 */
export async function openRecordings(path: string, options: OpenOptions): Promise<RecordedTape> {
	const { input, format } = await recognise(path, options.format, options.formats);
	if (input.path === null || format?.openKeyed === undefined) return sourceOf(input, format, options);
	await input.close();
	return format.openKeyed(input.path, options);
}

/** The name of a file's format by its content; null for an empty file. @throws FlowtapeError as `openTape` */
export async function formatOf(path: string, { format: named, formats: more }: MoreFormats & { format?: string | undefined } = {}): Promise<string | null> {
	const { input, format } = await recognise(path, named, more);
	await input.close();
	return format?.name ?? null;
}

/** The input, and the format by its content: null where it is empty. */
async function recognise(path: string, named: string | undefined, more: readonly Format[] = []): Promise<{ input: Input; format: Format | null }> {
	const input = await openInput(path);
	try {
		const head = await input.peek(HEAD_BYTES);
		if (head.length === 0) return { input, format: null };
		const format = named === undefined ? [...more, ...formats].find((each) => each.sniff(head)) : formatNamed(named, more);
		if (format !== undefined) return { input, format };
		const message = `${input.name}: byte 0: not a tape: ${expected} was expected, this begins with ${shown(head)}`;
		throw new FlowtapeError("FT_UNKNOWN_FORMAT", message, { file: path, offset: 0 });
	} catch (error) {
		await input.close();
		throw error;
	}
}

const expected = "a .tape, a mitmproxy dump, a HAR or JSON lines";

const empty = FlowSource.of(async function* () {});

export interface CreateOptions extends SinkOptions, MoreFormats {
	/** Name of the format; default: told by the extension. */
	format?: string | undefined;
}

/**
 * Opens a tape for writing, `-` for stdout. A file takes its name when it is whole, unless it is appended to.
 * @throws FlowtapeError FT_USAGE when the format is not clear, or what is there cannot be added to, FT_IO
 */
export async function createTape(path: string, options: CreateOptions): Promise<FlowSink> {
	const own = options.formats ?? [];
	const format = formatForWriting(path, options.format, own);
	if (options.append === true && format.isOpenEnded === true)
		await refuseUnaddable(path, (head) => [...own, ...formats].find((each) => each.sniff(head)) === format);
	return format.create(path, options);
}

/** The format in which a path is written: as named, by its extension, and a `.tape` where it has none. */
export function formatForWriting(path: string, name?: string, more: readonly Format[] = []): Format {
	const all = [...more, ...formats];
	if (name !== undefined) return formatNamed(name, more);
	const lower = withoutCompression(path).toLowerCase();
	const format = all.find(({ extensions }) => extensions.some((extension) => lower.endsWith(extension)));
	if (format !== undefined) return format;
	if (path === "-") throw new FlowtapeError("FT_USAGE", `stdout: say in which format to write: --format ${names(["tape"])}`);
	throw new FlowtapeError(
		"FT_USAGE",
		`${path}: its extension tells no format: use one of ${all.flatMap(({ extensions }) => extensions).join(" ")}, or --format ${names()}`,
	);
}

function formatNamed(name: string, more: readonly Format[]): Format {
	const all = [...more, ...formats];
	const format = all.find((each) => each.name === name);
	if (format === undefined) throw new FlowtapeError("FT_BAD_OPTION", `"${name}" is none of ${all.map((each) => each.name).join(", ")}`, { option: "format" });
	return format;
}

function names(without: readonly string[] = []): string {
	return formats
		.map(({ name }) => name)
		.filter((name) => !without.includes(name))
		.join(", ");
}

/** The first bytes as a person can read them. */
function shown(head: Buffer): string {
	return JSON.stringify(head.toString("latin1", 0, Math.min(24, head.length)).replace(/[^\x20-\x7e]/g, "."));
}
